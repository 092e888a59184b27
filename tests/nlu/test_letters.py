"""How plausible a line of kana is by the letters that follow each other in it."""

from __future__ import annotations

from pathlib import Path

from engine.nlu.letters import LetterModel, quantiles

WRITTEN = [
    "ヘンピンシタイデス",
    "ヘンキンハマダデスカ",
    "キャンセルシタイ",
    "トドキマセン",
    "チュウモン123ヲトリケシタイ",
] * 20
MODEL = LetterModel.fit(WRITTEN)


def test_what_follows_as_in_the_examples_is_likelier_than_the_same_letters_in_another_order() -> None:
    assert MODEL.plausibility("ヘンピンハマダデスカ") > MODEL.plausibility("スピダンカヘマデハン")


def test_probabilities_of_all_next_letters_come_to_no_more_than_one() -> None:
    known = {run for run in MODEL.runs if len(run) == 1}
    for before in ("", "ン", "ヘンピ", "スピダ"):
        assert 0.5 < sum(MODEL._probability((" " * 3 + before)[-3:] + letter) for letter in known) <= 1.0


def test_numbers_and_mail_addresses_count_as_one_letter_each() -> None:
    assert MODEL.plausibility("チュウモン9876543ヲ") == MODEL.plausibility("チュウモン1ヲ")
    assert MODEL.plausibility("xqzj.wkv@example.jpデス") == MODEL.plausibility("a@example.jpデス")


def test_one_rare_letter_says_less_than_a_line_of_them() -> None:
    a_letter = MODEL.plausibility("ヘ") - MODEL.plausibility("ヌ")
    a_line = MODEL.plausibility("ヘンピン") - MODEL.plausibility("ヌヌヌヌ")
    assert 0 < a_letter < a_line


def test_a_saved_model_judges_the_same(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    assert LetterModel.load(tmp_path).plausibility("トドカナイ") == MODEL.plausibility("トドカナイ")


def test_models_of_a_process_share_the_runs_they_have_in_common(tmp_path: Path) -> None:
    MODEL.save(tmp_path)
    one, other = LetterModel.load(tmp_path), LetterModel.load(tmp_path)
    held = {id(run) for run in one.runs} | {id(run) for run in one.after}
    assert all(id(run) in held for counts in (other.runs, other.after, other.followers) for run in counts)


def test_quantiles_are_values_that_were_there() -> None:
    assert quantiles([3.0, 1.0, 2.0, 4.0], [0.0, 0.5, 1.0]) == (1.0, 3.0, 4.0)
