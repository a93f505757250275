"""The ordinary calls of RouterOS-api against a router. It tags its commands, so several may be in flight."""

import contextlib

import routeros_api
from routeros_api import query
from routeros_api.exceptions import RouterOsApiCommunicationError

from checks import CHALLENGE, HOST, PASSWORD, PORT, TEXTS, USER, VERSION, check, expect, run


@contextlib.contextmanager
def router(password=PASSWORD):
    pool = routeros_api.RouterOsApiPool(
        HOST, username=USER, password=password, port=PORT, plaintext_login=not CHALLENGE
    )
    try:
        yield pool.get_api()
    finally:
        pool.disconnect()


def trap(call):
    """What the router says when a call fails."""
    try:
        call()
    except RouterOsApiCommunicationError as error:
        return error.original_message.decode()
    raise AssertionError("it did not fail")


def added(response):
    return response.done_message["ret"]


@check
def a_wrong_password_is_refused():
    def call():
        with router(password="wrong"):
            pass

    expected = "cannot log in" if CHALLENGE else "invalid user name or password"
    message = trap(call)
    assert expected in message, message


@check
def the_router_tells_its_version():
    with router() as api:
        (resource,) = api.get_resource("/system/resource").get()
        assert resource["version"].startswith(VERSION), resource


@check
def interfaces_are_selected_by_value():
    with router() as api:
        rows = api.get_resource("/interface").get(name="ether1")
        expect([row["name"] for row in rows], ["ether1"])
        expect(api.get_resource("/interface").get(name="ether1", type="lte"), [])


@check
def queries_are_joined():
    with router() as api:
        either = query.OrQuery(
            query.IsEqualQuery("name", "ether1"), query.IsEqualQuery("name", "ether2")
        )
        rows = api.get_resource("/interface").call("print", {}, {}, [either])
        expect(sorted(row["name"] for row in rows), ["ether1", "ether2"])
        present = query.AndQuery(
            query.HasValueQuery("name"), query.IsEqualQuery("name", "ether2")
        )
        rows = api.get_resource("/interface").call("print", {"proplist": "name"}, {}, [present])
        expect([dict(row) for row in rows], [{"name": "ether2"}])


@check
def a_route_is_added_changed_and_removed():
    with router() as api:
        routes = api.get_resource("/ip/route")
        own = added(routes.add(dst_address="203.0.113.12", gateway="192.0.2.1", comment="one"))
        routes.set(id=own, comment="two")
        (row,) = routes.get(id=own)
        expect((row["dst-address"], row["comment"]), ("203.0.113.12/32", "two"))
        routes.remove(id=own)
        expect(routes.get(id=own), [])
        message = trap(lambda: routes.remove(id=own))
        assert "no such item" in message, message


@check
def what_the_router_does_not_know_fails():
    with router() as api:
        message = trap(lambda: api.get_resource("/ip/nonsense").get())
        assert "no such command" in message, message
        message = trap(lambda: api.get_resource("/ip/route").add(nonsense="1"))
        assert "unknown parameter" in message, message
        assert api.get_resource("/system/identity").get()


@check
def answers_are_told_apart_by_their_tags():
    with router() as api:
        identity = api.get_resource("/system/identity").get_async()
        nothing = api.get_resource("/interface").get_async(name="none")
        one = api.get_resource("/interface").get_async(name="ether1")
        expect([row["name"] for row in one.get()], ["ether1"])
        expect(nothing.get(), [])
        expect(len(identity.get()), 1)


@check
def words_of_every_length_come_back():
    with router() as api:
        scripts = api.get_resource("/system/script")
        for text in TEXTS:
            own = added(scripts.add(name="holdfast-clients", source=text))
            try:
                (row,) = scripts.get(id=own)
                expect(row["source"], text)
            finally:
                scripts.remove(id=own)


@check
def a_change_feed_tells_until_it_is_cancelled():
    with router() as api:
        feed = api.get_resource("/ip/route").call_async("listen")
        changes = iter(feed)
        routes = api.get_resource("/ip/route")
        own = added(routes.add(dst_address="203.0.113.13", gateway="192.0.2.1"))
        expect(next(changes)["id"], own)
        routes.remove(id=own)
        change = next(changes)
        while change.get(".dead") is None:
            change = next(changes)
        expect(change["id"], own)
        tag = feed.inner.inner.tag.decode()
        api.get_resource("/").call("cancel", {"tag": tag})
        message = trap(lambda: list(changes))
        assert "interrupted" in message, message


run()
