# SPDX-License-Identifier: MIT
"""Where is my mail?  `mailctl journey' by queue id, Message-ID and address, over
two servers."""
import datetime
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from pennypost import wait_for  # noqa: E402
from remote import World, mail_for, queue_is_empty, waiting  # noqa: E402
from samples import everyday  # noqa: E402

BOB, BEN, ALICE = "bob@bob.test", "ben@bob.test", "alice@alice.test"


@pytest.fixture(scope="module")
def world():
    with World() as w:
        yield w


def journeys(server, what, *more):
    return server.ctl("journey", what, "--json", *more)["journeys"]


def submit(world, name, recipients):
    """The id that Bob's server gave it."""
    with world.bob.submission(BOB) as client:
        client.mail(BOB)
        for r in recipients:
            client.rcpt(r)
        code, text = client.data(everyday(name, sender=BOB))
        assert code == 250
    return re.search(r"queued as (\S+)", text.decode())[1]


def hops(journey, what):
    return [h for h in journey["hops"] if h["what"] == what]


def fetched(server, user, id):
    """The journey once popd has written that it was fetched."""
    return wait_for(lambda: next((j for j in journeys(server, id) if hops(j, "fetched")), None),
                    what="the hop of fetching")


def test_facts(world):
    """From Bob's user agent to Alice's, each half with all there is to know."""
    id = submit(world, "facts", [ALICE, BEN])
    mail_for(world.alice, ALICE)
    queue_is_empty(world.bob)
    j, = journeys(world.bob, id)
    assert (j["id"], j["sender"], j["message_id"]) == (id, BOB, "<facts@samples.test>")
    assert j["size"] > 1000
    received, = hops(j, "received")
    assert received["daemon"] == "smtpd" and "[127.0.0.1]" in received["peer"]
    assert "ESMTPSA" in received["detail"] and "TLSv1.3" in received["detail"] and BOB in received["detail"]
    delivered, = hops(j, "delivered")
    assert (delivered["recipient"], delivered["detail"]) == (BEN, "INBOX")
    queued, = hops(j, "queued")
    assert queued["recipient"] == ALICE
    relayed, = hops(j, "relayed")
    assert relayed["daemon"] == "maild" and relayed["recipient"] == ALICE and relayed["code"] == 250
    assert relayed["peer"] == "mx.alice.test [127.0.0.3]" and "TLSv1.3" in relayed["detail"]
    order = [h["what"] for h in j["hops"]]
    assert order[0] == "received" and order.index("queued") < order.index("relayed")
    times = [datetime.datetime.fromisoformat(h["at"].replace("Z", "+00:00")) for h in j["hops"]]
    now = datetime.datetime.now(datetime.timezone.utc)
    assert times == sorted(times)
    assert all(abs((now - t).total_seconds()) < 60 for t in times)

    # the other half begins where the remote's reply points
    far = re.search(r"queued as (\S+)", relayed["detail"])[1]
    k = fetched(world.alice, ALICE, far)
    assert (k["id"], k["sender"], k["message_id"]) == (far, BOB, "<facts@samples.test>")
    assert "ESMTPS" in hops(k, "received")[0]["detail"] and "mx.bob.test" in hops(k, "received")[0]["peer"]
    assert hops(k, "delivered")[0]["recipient"] == ALICE
    assert hops(k, "fetched")[0]["recipient"] == ALICE
    assert "127.0.0.1" in hops(k, "fetched")[0]["peer"]
    assert hops(k, "deleted")  # mail_for() deletes


def test_by_message_id_and_address(world):
    id = submit(world, "lookup", [ALICE])
    far = wait_for(lambda: hops(journeys(world.bob, id)[0], "relayed"), what="the relay")[0]["detail"]
    far = re.search(r"queued as (\S+)", far)[1]
    for what in ("<lookup@samples.test>", "lookup@samples.test"):
        assert [j["id"] for j in journeys(world.bob, what)] == [id], what
        assert [j["id"] for j in journeys(world.alice, what)] == [far], what
    for server, who, known in ((world.bob, BOB, id), (world.bob, ALICE, id), (world.alice, ALICE, far),
                               (world.alice, BOB, far)):
        assert known in [j["id"] for j in journeys(server, who)], who


def test_latest_first_and_max(world):
    ids = [submit(world, f"series-{n}", [BEN]) for n in range(4)]
    assert [j["id"] for j in journeys(world.bob, BEN, "--max", "3")] == ids[:0:-1]
    assert world.bob.ctl("journey", BEN, "--json", "--max", "3")["more"] is True


def test_for_people(world):
    id = submit(world, "people", [ALICE])
    queue_is_empty(world.bob)
    out = world.bob.ctl("journey", id).stdout
    assert re.search(rf"^Message {id}$", out, re.M)
    assert re.search(r"^ +from +bob@bob\.test$", out, re.M)
    assert re.search(r"smtpd +received", out) and re.search(r"maild +relayed +alice@alice\.test", out)


def test_unknown(world):
    for what in ("0000000000000", "<nothing@nowhere.test>", "nobody@nowhere.test", "x" * 900, "\u00fc"):
        got = world.bob.ctl("journey", what, check=False)
        assert got.returncode == 1 and got.stdout == "" and "nothing is known" in got.stderr, what
    assert world.bob.ctl("journey", check=False).returncode == 2


def test_tries_and_refusals(world):
    """Deferred, then refused: each attempt with the other's words, and the
    report's journey joined to it both ways."""
    world.remote("moody.test", {"RCPT": ["451 4.2.0 not in the mood", "550 5.2.0 go away"]})
    id = submit(world, "moody", ["x@moody.test"])
    mail_for(world.bob, BOB)
    j, = journeys(world.bob, id)
    tried, = hops(j, "tried")
    assert tried["code"] == 451 and "not in the mood" in tried["detail"]
    failed, = hops(j, "failed")
    assert failed["code"] == 550 and "go away" in failed["detail"] and failed["recipient"] == "x@moody.test"
    returned, = hops(j, "returned")
    report, = journeys(world.bob, returned["detail"])
    assert report["sender"] == ""
    assert hops(report, "composed")[0]["detail"] == id
    assert hops(report, "delivered")[0]["recipient"] == BOB


def test_hands_of_a_person(world):
    """Held, released, dropped: who reads the journey sees it."""
    world.remote("held.test", {"RCPT": "451 4.2.0 later"})
    id = submit(world, "held", ["x@held.test"])
    waiting(world.bob, "x@held.test")
    for order in ("hold", "release", "drop"):
        world.bob.ctl("queue", order, id)
    j, = journeys(world.bob, id)
    assert [h["what"] for h in j["hops"] if h["what"] in ("held", "released", "dropped")] == \
        ["held", "released", "dropped"]


def test_alias_is_told(world):
    world.bob.ctl("alias", "add", "both@bob.test", BEN)
    world.bob.ctl("alias", "add", "both@bob.test", ALICE)
    id = submit(world, "alias", ["both@bob.test"])
    queue_is_empty(world.bob)
    j, = journeys(world.bob, id)
    assert any(h["recipient"] == "both@bob.test" for h in hops(j, "routed"))
    assert [h["recipient"] for h in hops(j, "delivered")] == [BEN]
    assert [h["recipient"] for h in hops(j, "relayed")] == [ALICE]
    assert id in [k["id"] for k in journeys(world.bob, "both@bob.test")]
