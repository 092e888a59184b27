"""The intents of words in between: rules answer them, and a form that waits for an answer goes on behind them.

They stand here and not under the form's `ignored_intents` in domain.yml, because Rasa would then also leave the slots
of such a message unfilled, and "ケトルの返送料は？" in the middle is a question about the kettle.
"""

ASIDES = frozenset(
    (
        "ask_refund_status",
        "ask_return_fee",
        "ask_return_procedure",
        "ask_order_status",
        "ask_cancel_status",
        "ask_guarantee",
        "ask_missing_mail",
        "ask_membership",
        "request_agent",
        "request_callback",
        "complain",
        "greet",
        "thank",
        "goodbye",
        "bot_challenge",
    )
)
