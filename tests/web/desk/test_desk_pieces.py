"""The suggested sentence in the reply, the figures' files, and the list of those affected."""

from __future__ import annotations

import csv
import io

import pytest
from PIL import Image

from madoguchi.services import photos
from madoguchi.store import Case, Photo, Score
from tests.integration.desk.builders import ORDER, SELLER_ORDER, conversation, inquiry, taken
from tests.web.desk.conftest import DeskSite


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_suggestion_goes_behind_what_is_written_already(desk_site: DeskSite) -> None:
    name = taken(desk_site.world, ORDER, "温まりません")
    client = desk_site.browser("sato", htmx=True)
    shown = client.get(f"/desk/c/{name}/suggestion").text
    for said in (
        "山●●● 様",
        "不具合があり、誠に申し訳ございません",
        "返送料は当店が負担",
        "19,600円",
        "お手続きいたします",
    ):
        assert said in shown, shown
    assert "花子" not in shown  # masked until it is asked for, as everywhere
    draft = client.post(f"/desk/c/{name}/suggestion", data={"text": "お待たせしました。"}).text
    assert draft.index("お待たせしました。") < draft.index("山田 花子 様") < draft.index("19,600円")
    assert "&amp;" not in draft


def test_a_suggestion_says_until_when_the_seller_has_time(desk_site: DeskSite) -> None:
    name = conversation(desk_site.world, "品切れと言われました", order_number=SELLER_ORDER)
    with desk_site.world.desk.store.writing() as session:
        session.query(Case).filter_by(conversation_id=name).one().kind = "seller_stockout"
    inquiry(desk_site.world, name, SELLER_ORDER)
    shown = desk_site.browser("sato", htmx=True).get(f"/desk/c/{name}/suggestion").text
    assert "品切れで、ご迷惑を" in shown
    assert "出品者へ確認しております" in shown


def test_where_nothing_is_true_nothing_is_suggested(desk_site: DeskSite) -> None:
    name = conversation(desk_site.world, "こんにちは")
    assert "案" not in desk_site.browser("sato", htmx=True).get(f"/desk/c/{name}/suggestion").text


@pytest.mark.parametrize(
    "what", ["days", "conversations", "solved", "first_word", "seller", "nps", "reasons", "refunds"]
)
def test_each_figure_has_its_file_beside_it(desk_site: DeskSite, what: str) -> None:
    client = desk_site.browser("tanaka")
    page = client.get("/desk/figures?days=30").text
    assert f"figures.csv?days=30&amp;what={what}" in page or what == "days"
    response = client.get("/desk/figures.csv", params={"days": 30, "what": what})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/csv")
    if response.text.removeprefix("\ufeff").startswith("day"):
        assert len(rows_of(response.text)) == 30
    assert client.get("/desk/figures.csv?what=passwords").status_code == 404


def test_no_cell_of_a_file_is_a_formula(desk_site: DeskSite) -> None:
    name = conversation(desk_site.world, "a", order_number=ORDER)
    with desk_site.world.desk.store.writing() as session:
        case = session.query(Case).filter_by(conversation_id=name).one()
        session.add(Score(case_id=case.id, value=3, words="=HYPERLINK(1)", given_at=desk_site.world.clock()))
    rows = rows_of(desk_site.browser("tanaka").get("/desk/figures.csv?what=words").text)
    assert rows == [{"score": "3", "words": "'=HYPERLINK(1)"}]


def test_opening_a_conversation_puts_its_customer_on_the_list_of_those_affected(desk_site: DeskSite) -> None:
    world = desk_site.world
    name, _ = conversation(world, "見た"), conversation(world, "見ていない", customer=102)
    assert desk_site.browser("sato").get(f"/desk/c/{name}").status_code == 200
    assert desk_site.browser("suzuki").get("/desk/").status_code == 200
    admin = desk_site.browser("kato")
    page = admin.get("/desk/affected").text
    assert "<b>1名</b>" in page
    assert "山●●●" in page
    assert "山田 花子" not in page
    assert [row["customer"] for row in rows_of(admin.get("/desk/affected.csv").text)] == ["K-101"]
    suzuki = world.person("suzuki").id
    assert "<b>0名</b>" in admin.get(f"/desk/affected?account={suzuki}").text
    assert "<b>0名</b>" in admin.get("/desk/affected?from=2020-01-01T00:00&to=2020-01-02T00:00").text
    assert admin.get("/desk/affected?from=yesterday&account=x").status_code == 200


@pytest.fixture
def snapped(desk_site: DeskSite) -> tuple[str, str]:
    """A conversation in which a customer sent a photo; gives both ids."""
    name, file = conversation(desk_site.world, "こちらです", order_number=ORDER), io.BytesIO()
    Image.new("RGB", (900, 600), "navy").save(file, "PNG")
    photos.take(desk_site.world.desk, name, "photo-1", file.getvalue(), "ありがとうございます")
    with desk_site.world.desk.store.reading() as session:
        return name, session.query(Photo.id).scalar()


def test_a_photo_stands_on_the_timeline_and_runs_nothing(desk_site: DeskSite, snapped: tuple[str, str]) -> None:
    name, photo = snapped
    client = desk_site.browser("sato")
    where = f"/desk/c/{name}/photos/{photo}"
    assert f'src="{where}"' in client.get(f"/desk/c/{name}").text
    response = client.get(where)
    assert (response.status_code, response.headers["content-type"], response.content[:2]) == (
        200,
        "image/jpeg",
        b"\xff\xd8",
    )
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_photo_is_shown_in_its_own_conversation_and_to_those_who_may_see_the_person(
    desk_site: DeskSite, snapped: tuple[str, str]
) -> None:
    name, photo = snapped
    other = conversation(desk_site.world, "別の方", customer=102)
    client = desk_site.browser("sato")
    assert client.get(f"/desk/c/{other}/photos/{photo}").status_code == 404
    assert client.get(f"/desk/c/{name}/photos/{'0' * 32}").status_code == 404
    trainer = desk_site.browser("mori")
    assert trainer.get(f"/desk/c/{name}/photos/{photo}").status_code == 403
    shown = trainer.get(f"/desk/c/{name}").text
    assert "［写真］" in shown
    assert photo not in shown
