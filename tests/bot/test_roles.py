"""bot/moderation/roles.py; tests/bot/test_permissions.py has the whole table."""

import pytest

from bot.errors import UserError
from bot.messages import Address, Person, TextMessage
from bot.moderation.roles import EVERYWHERE, Roles


def test_decisions_reach_as_far_as_the_role() -> None:
    """An owner's everywhere, a moderator's in the chat they were made in, nobody else's anywhere."""
    roles = Roles(frozenset({"web:olga"}))

    def said(who: str, *, moderator: bool = False) -> TextMessage:
        person = Person(platform="web", id=who, moderator=moderator)
        return TextMessage(key="k", person=person, address=Address(platform="web", chat="c"), text="/pause")

    assert roles.scope_of(said("olga")) == EVERYWHERE
    assert roles.scope_of(said("mia", moderator=True)) == "web:c"
    with pytest.raises(UserError, match="not-moderator"):
        roles.scope_of(said("ann"))
    assert not Roles().owns("web:olga")
