"""A customer objects to a restriction, by keys: one person ends it, two keep it for a reason."""

from __future__ import annotations

from worlds import items

from whiteslip import notices
from whiteslip.base.ids import parse_public

from .conftest import Api, with_key


def test_an_objection_is_answered_by_who_had_no_part_and_moves_no_money(api: Api):
    second, third, fourth = (Api(api.db, api.client, with_key(api.db)) for _ in range(3))
    line = api.line()
    own = parse_public("line", line)
    assert own
    bought = {"line": line, "merchant": "shop", "amount_minor": 30_000, "instalments": 1}
    purchase = api.post("/v1/purchases", bought)["id"]
    api.post(f"/v1/purchases/{purchase}/capture", {"amount_minor": 30_000}, 200)
    before = (api.get(f"/v1/lines/{line}")["owed_minor"], items(api.db, own))

    def restricted() -> str:
        """The id of the customer's objection to a restriction that two others have agreed on."""
        asked = api.post(f"/v1/lines/{line}/restrict", {"reasons": ["contact_lost"]}, 200)
        second.post(f"/v1/restriction-proposals/{asked['id']}/decide", {"approve": True}, 200)
        made = api.post(f"/v1/lines/{line}/restriction/objection", {"words": "I have moved house"})
        assert "words" not in made
        assert made["outcome"] is None
        return f"/v1/restriction-objections/{made['id']}/answer"

    def letters() -> list[str]:
        with api.db.transaction() as tx:
            return [letter.kind for letter in notices.of_subject(tx, own)]

    answer, stays = restricted(), {"stay_why": "still_so"}
    assert api.post("/v1/purchases", bought)["code"] == "line.restricted"
    for one in (api, second):
        assert one.post(answer, {}, 403)["code"] == "restriction.own"
    only_reads = Api(api.db, api.client, with_key(api.db, "read"))
    assert only_reads.post(answer, {}, 403)["code"] == "request.forbidden"
    third.post(answer, {"stay_why": "so"}, 422)
    assert third.post(answer, stays, 200)["stay_why"] == "still_so"
    assert third.post(answer, stays, 403)["code"] == "desk.own_proposal"
    assert letters() == ["line.restricted"], "one is not two"
    assert fourth.post(answer, stays, 200)["outcome"] == "stays"
    assert fourth.post(answer, {}, 409)["code"] == "restriction.objection_answered"
    assert api.get(f"/v1/lines/{line}")["locks"] == ["issuer"]
    assert letters() == ["line.restricted", "line.restriction_kept"]
    again = f"/v1/lines/{line}/restriction/objection"
    answer = f"/v1/restriction-objections/{api.post(again, {})['id']}/answer"
    assert [one["due_at"] is not None for one in api.get("/v1/restriction-objections")["data"]] == [True]
    assert third.post(answer, {}, 200)["outcome"] == "lifted"
    assert api.get("/v1/restriction-objections")["data"] == []
    assert not api.get(f"/v1/lines/{line}")["drawing_stopped"]
    assert letters()[-1] == "line.restriction_lifted"
    assert (api.get(f"/v1/lines/{line}")["owed_minor"], items(api.db, own)) == before, "no money moved"
    answered = [
        one["data"]
        for one in api.get("/v1/events")["data"]
        if one["type"] == "restriction.objection_answered"
    ]
    told = [(one["outcome"], one.get("why")) for one in answered]
    assert told == [("stays", "still_so"), ("lifted", None)]
