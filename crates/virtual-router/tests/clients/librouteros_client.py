"""The ordinary calls of librouteros against a router."""

import contextlib
import socket

import librouteros
from librouteros.exceptions import FatalError, TrapError
from librouteros.protocol import ApiProtocol
from librouteros.connections import SocketTransport
from librouteros.query import And, Key, Or

from checks import CHALLENGE, HOST, PASSWORD, PORT, TEXTS, USER, VERSION, check, expect, run

name, kind, disabled, dst = Key("name"), Key("type"), Key("disabled"), Key("dst-address")


@contextlib.contextmanager
def router(password=PASSWORD):
    login = librouteros.token if CHALLENGE else librouteros.plain
    api = librouteros.connect(
        HOST, USER, password, port=PORT, login_method=login, encoding="utf-8", timeout=20
    )
    try:
        yield api
    finally:
        api.close()


def trap(call):
    """What the router says when a call fails."""
    try:
        call()
    except TrapError as error:
        return error.message
    raise AssertionError("it did not fail")


@contextlib.contextmanager
def route(api, **attributes):
    routes = api.path("ip", "route")
    own = routes.add(**{"dst-address": "203.0.113.11", "gateway": "192.0.2.1", **attributes})
    try:
        yield routes, own
    finally:
        routes.remove(own)


@check
def a_wrong_password_is_refused():
    try:
        with router(password="wrong"):
            pass
    except TrapError as error:
        expected = "cannot log in" if CHALLENGE else "invalid user name or password"
        assert expected in error.message, error.message
    else:
        raise AssertionError("it was let in")


@check
def a_command_before_the_log_in_is_fatal():
    with socket.create_connection((HOST, PORT), timeout=20) as stream:
        protocol = ApiProtocol(SocketTransport(sock=stream), encoding="utf-8")
        protocol.writeSentence("/system/identity/print")
        try:
            protocol.readSentence()
        except FatalError as error:
            assert "not logged in" in str(error), error
        else:
            raise AssertionError("it was answered")


@check
def the_router_tells_its_version():
    with router() as api:
        (resource,) = api.path("system", "resource")
        assert str(resource["version"]).startswith(VERSION), resource


@check
def interfaces_are_printed_with_what_was_asked_for():
    with router() as api:
        rows = list(api.path("interface").select(name, kind))
        assert {"name": "ether1", "type": "ether"} in rows, rows


@check
def queries_select():
    with router() as api:
        interfaces = api.path("interface")
        one = [row["name"] for row in interfaces.select(name).where(name == "ether1")]
        expect(one, ["ether1"])
        two = [
            row["name"]
            for row in interfaces.select(name).where(Or(name == "ether1", name == "ether2"))
        ]
        expect(sorted(two), ["ether1", "ether2"])
        both = list(interfaces.select(name).where(And(name == "ether1", disabled == False)))  # noqa: E712
        expect(len(both), 1)
        without = [row["name"] for row in interfaces.select(name).where(name != "ether1")]
        assert "ether1" not in without and "ether2" in without, without
        several = interfaces.select(name).where(name.In("ether1", "ether2", "none"))
        expect(len(list(several)), 2)


@check
def a_print_without_items_is_empty():
    with router() as api:
        expect(list(api.path("ip", "route").select(dst).where(dst == "198.18.0.0/32")), [])


@check
def a_route_is_added_changed_and_removed():
    with router() as api:
        routes = api.path("ip", "route")
        own = routes.add(**{"dst-address": "203.0.113.11", "gateway": "192.0.2.1", "comment": "one"})
        assert own.startswith("*"), own
        routes.update(**{".id": own, "comment": "two", "distance": 7})
        (row,) = [row for row in routes if row[".id"] == own]
        expect((row["dst-address"], row["comment"], row["distance"]), ("203.0.113.11/32", "two", 7))
        routes.remove(own)
        expect([row for row in routes if row[".id"] == own], [])


@check
def several_items_are_removed_at_once():
    with router() as api:
        routes = api.path("ip", "route")
        ids = [
            routes.add(**{"dst-address": f"203.0.113.{last}", "gateway": "192.0.2.1"})
            for last in (21, 22)
        ]
        routes.remove(*ids)
        expect([row for row in routes if row[".id"] in ids], [])


@check
def an_item_that_is_not_there_cannot_be_removed():
    with router() as api:
        message = trap(lambda: api.path("ip", "route").remove("*FFFFFF"))
        assert "no such item" in message, message


@check
def what_the_router_does_not_know_fails():
    with router() as api:
        message = trap(lambda: list(api.path("ip", "nonsense")))
        assert "no such command" in message, message
        add = {"dst-address": "203.0.113.9", "gateway": "192.0.2.1", "nonsense": "1"}
        message = trap(lambda: api.path("ip", "route").add(**add))
        assert "unknown parameter" in message, message
        # The connection lives on.
        assert list(api.path("system", "identity"))


@check
def words_of_every_length_and_alphabet_come_back():
    with router() as api:
        for text in [*TEXTS, "Überlandleitung ≥ 10 kV"]:
            scripts = api.path("system", "script")
            own = scripts.add(name="holdfast-clients", source=text)
            try:
                (row,) = [row for row in scripts if row[".id"] == own]
                expect(row["source"], text)
            finally:
                scripts.remove(own)


@check
def a_comment_is_taken_away():
    with router() as api, route(api, comment="gone soon") as (routes, own):
        routes.update(**{".id": own, "!comment": ""})
        (row,) = [row for row in routes if row[".id"] == own]
        expect(row.get("comment", ""), "")


@check
def quitting_ends_the_session():
    with router() as api:
        try:
            list(api("/quit"))
        except FatalError as error:
            assert "session terminated on request" in str(error), error
        else:
            raise AssertionError("the session goes on")


run()
