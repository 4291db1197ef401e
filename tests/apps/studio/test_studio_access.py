"""Who is let in: token, cookie, Host, Origin, rates, headers."""

from __future__ import annotations

import re

import pytest
from studio_harness import TOKEN, client_of, run_async

from masquerade.apps.studio.access.origins import Origins
from masquerade.apps.studio.access.rates import Rates
from masquerade.apps.studio.access.token import Token
from masquerade.apps.studio.config import Limits, StudioConfig, TlsFiles, is_loopback
from masquerade.core.errors import SettingsError

SYSTEM = "/api/v1/system"
OWN = {"Origin": "http://127.0.0.1:8790"}


def ask(config, method="GET", path=SYSTEM, *, known=True, headers=None, client="127.0.0.1", **more):
    async def work():
        async with client_of(config, known=known, client=client) as made:
            return await made.request(method, path, headers=headers, **more)

    return run_async(work)


def cookie_of(config) -> str:
    response = ask(config, path=f"/?token={TOKEN}", known=False)
    return response.headers["set-cookie"].partition(";")[0]


class TestToken:
    def test_without_it_nothing_is_told(self, configure):
        for path in (SYSTEM, "/api/v1/openapi.json", "/app.js", "/api/v1/nothing"):
            response = ask(configure(), path=path, known=False)
            assert response.status_code == 401
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["code"] == "unauthorized"

    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN,
         f"Bearer {TOKEN[:-1]}", "Bearer \xe9\xff"],
    )  # fmt: skip
    def test_a_wrong_one_is_refused(self, configure, header):
        headers = {"Authorization": header.encode("latin-1")}
        assert ask(configure(), known=False, headers=headers).status_code == 401

    def test_as_bearer_it_lets_in(self, configure):
        assert ask(configure()).status_code == 200

    def test_the_page_without_it_says_what_to_do(self, configure):
        response = ask(configure(), path="/", known=False)
        assert response.status_code == 401
        assert "open the link" in response.text
        assert ask(configure(), path="/?token=wrong", known=False).status_code == 401

    def test_health_needs_none_and_tells_nothing(self, configure):
        response = ask(configure(), path="/healthz", known=False)
        assert (response.status_code, response.text) == (200, "ok")

    def test_a_short_one_is_refused(self, tmp_path):
        with pytest.raises(SettingsError, match="shorter than 20"):
            StudioConfig(folder=tmp_path, token="secret")

    def test_each_studio_has_its_own(self, tmp_path):
        first, second = StudioConfig(folder=tmp_path), StudioConfig(folder=tmp_path)
        assert first.token != second.token
        assert len(first.token) == 32
        assert first.token not in repr(first)


class TestCookie:
    def test_the_link_gives_it_and_leaves_the_address(self, configure):
        response = ask(configure(), path=f"/?token={TOKEN}", known=False)
        assert response.status_code == 303
        assert response.headers["location"] == "/"
        assert response.headers["cache-control"] == "no-store"
        given = response.headers["set-cookie"]
        assert re.fullmatch(r"masquerade=\w{64}; Path=/; HttpOnly; SameSite=Strict", given)
        assert TOKEN not in given

    def test_under_tls_it_is_for_tls_alone(self):
        assert Token(TOKEN).cookie(secure=True).endswith("; Secure")

    def test_from_another_site_a_page_makes_the_step(self, configure):
        visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        headers = visit | {"Sec-Fetch-Dest": "document"}
        response = ask(configure(), path=f"/?token={TOKEN}", known=False, headers=headers)
        assert response.status_code == 200
        assert "set-cookie" in response.headers
        assert 'http-equiv="refresh" content="0; url=/"' in response.text

    def test_it_lets_in(self, configure):
        headers = {"Cookie": f"other=1; {cookie_of(configure())}"}
        assert ask(configure(), known=False, headers=headers).status_code == 200

    def test_a_wrong_one_does_not(self, configure):
        for value in ("masquerade=x", f"masquerade={TOKEN}", "a" * 9000, "masquerade"):
            response = ask(configure(), known=False, headers={"Cookie": value})
            assert response.status_code == 401

    def test_it_changes_nothing_unless_the_browser_names_the_page(self, configure):
        headers = {"Cookie": cookie_of(configure())}
        more = {"json": {"settings": {}}}
        path = "/api/v1/settings/toml"
        refused = ask(configure(), "POST", path, known=False, headers=headers, **more)
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign_origin")
        taken = ask(configure(), "POST", path, known=False, headers=headers | OWN, **more)
        assert taken.status_code == 200


class TestOrigin:
    @pytest.mark.parametrize(
        "origin",
        ["http://evil.example", "http://127.0.0.1:3000", "null", "http://localhost:8790",
         "ftp://127.0.0.1:8790", "http://127.0.0.1:8790.evil.example", "http://[", ""],
    )  # fmt: skip
    def test_pages_of_others_are_refused_even_with_the_token(self, configure, origin):
        response = ask(configure(), headers={"Origin": origin})
        assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")

    def test_our_own_page_is_not(self, configure):
        assert ask(configure(), headers=OWN).status_code == 200

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
    def test_what_the_browser_says_of_the_two_sites_counts(self, configure, site):
        response = ask(configure(), headers={"Sec-Fetch-Site": site})
        assert response.status_code == 403

    def test_a_link_to_the_page_may_stand_anywhere(self, configure):
        headers = {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        }
        assert ask(configure(), path="/", headers=headers).status_code == 200
        assert ask(configure(), path=SYSTEM, headers=headers).status_code == 403
        framed = headers | {"Sec-Fetch-Dest": "iframe"}
        assert ask(configure(), path="/", headers=framed).status_code == 403

    def test_with_tls_a_plain_page_is_foreign(self, configure, tmp_path):
        tls = TlsFiles(tmp_path / "c", tmp_path / "k")
        origins = Origins(configure(tls=tls))
        host = "127.0.0.1:8790"
        assert origins.is_own_page({"host": host, "origin": f"https://{host}"})
        assert not origins.is_own_page({"host": host, "origin": f"http://{host}"})


class TestHost:
    @pytest.mark.parametrize("host", ["127.0.0.1:8790", "localhost", "LOCALHOST:1", "[::1]:8790"])
    def test_names_of_loopback(self, configure, host):
        assert ask(configure(), headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:8790", "127.0.0.1.evil.example", "192.168.1.5:8790", "",
         "localhost:99999", "a b", "localhost@evil.example", "127.0.0.1:8790, evil.example"],
    )  # fmt: skip
    def test_a_name_that_was_pointed_here_is_refused(self, configure, host):
        response = ask(configure(), headers={"Host": host})
        assert (response.status_code, response.json()["code"]) == (421, "misdirected_request")
        assert ask(configure(), path="/healthz", headers={"Host": host}).status_code == 421

    def test_other_names_are_allowed_by_hand(self, configure):
        config = configure(allow_hosts=("gpu.lan",))
        assert ask(config, headers={"Host": "GPU.lan:8790"}).status_code == 200

    def test_elsewhere_numbers_cannot_be_pointed_here(self, configure):
        origins = Origins(configure(host="0.0.0.0", insecure=True))
        assert origins.knows("203.0.113.9:8790")
        assert origins.knows("[2001:db8::1]")
        assert not origins.knows("evil.example")

    def test_without_encryption_others_are_not_served(self, configure):
        with pytest.raises(SettingsError, match="Others could read"):
            configure(host="0.0.0.0")

    def test_what_loopback_is(self):
        assert all(map(is_loopback, ("localhost", "127.9.9.9", "::1", "::ffff:127.0.0.1")))
        assert not any(map(is_loopback, ("0.0.0.0", "192.168.0.1", "evil.example", "")))


class TestRates:
    def test_a_client_waits_and_others_do_not(self):
        now = 0.0
        limits = Limits(requests_per_s=2, request_burst=2, all_requests_per_s=50)
        rates = Rates(limits, lambda: now)
        assert [rates.wait_s("192.0.2.1", known=True) for _ in range(3)] == [0, 0, 0.5]
        assert rates.wait_s("192.0.2.2", known=True) == 0
        now = 0.5
        assert rates.wait_s("192.0.2.1", known=True) == 0

    def test_all_together_are_limited_too(self):
        rates = Rates(Limits(all_requests_per_s=1, all_request_burst=3), lambda: 0.0)
        waits = [rates.wait_s(f"192.0.2.{k}", known=True) for k in range(4)]
        assert waits == [0, 0, 0, 1]

    def test_strangers_take_nothing_from_those_who_have_the_token(self):
        rates = Rates(Limits(), lambda: 0.0)
        while rates.wait_s("127.0.0.1", known=False) == 0:
            pass
        assert rates.wait_s("127.0.0.1", known=True) == 0

    def test_an_ipv6_network_is_one_client(self):
        rates = Rates(Limits(requests_per_s=1, request_burst=1), lambda: 0.0)
        assert rates.wait_s("2001:db8::1", known=True) == 0
        assert rates.wait_s("2001:db8::2", known=True) > 0

    def test_memory_does_not_grow_with_clients(self):
        rates = Rates(Limits(all_request_burst=10**6), lambda: 0.0)
        for k in range(6000):
            rates.wait_s(f"10.0.{k // 250}.{k % 250}", known=True)
        assert len(rates._clients) <= 4096

    def test_the_answer_says_when_to_come_again(self, configure):
        config = configure(limits=Limits(requests_per_s=0.5, request_burst=2))

        async def work():
            async with client_of(config) as made:
                return [await made.get(SYSTEM) for _ in range(3)]

        *taken, refused = run_async(work)
        assert [item.status_code for item in taken] == [200, 200]
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "2"


class TestHeaders:
    @pytest.mark.parametrize("path", ["/", "/healthz", SYSTEM, "/nothing", "/api/v1/docs"])
    def test_every_answer_tells_browsers_what_is_allowed(self, configure, path):
        headers = ask(configure(), path=path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers

    def test_refusals_too(self, configure):
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            refused = ask(configure(), headers=headers)
            assert "default-src 'none'" in refused.headers["content-security-policy"]
            assert "access-control-allow-origin" not in refused.headers

    def test_what_the_interface_says_is_not_kept(self, configure):
        assert ask(configure()).headers["cache-control"] == "no-store"

    def test_the_docs_load_nothing_from_elsewhere(self, configure):
        page = ask(configure(), path="/api/v1/docs").text
        assert "/api/v1/uploads" in page
        assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)


class TestBodies:
    def test_a_large_one_is_refused_before_it_comes(self, configure):
        response = ask(configure(), "POST", "/api/v1/settings/toml", content=b"x" * 300_000)
        assert (response.status_code, response.json()["code"]) == (413, "too_large")

    def test_one_that_does_not_say_its_size_is_refused_while_it_comes(self, configure):
        sent = 0

        async def endless():
            nonlocal sent
            for _ in range(1000):
                sent += 1
                yield b" " * 10_000

        async def work():
            async with client_of(configure()) as made:
                return await made.post("/api/v1/settings/toml", content=endless(), headers=JSON)

        assert run_async(work).status_code == 413

    def test_a_length_that_is_none_is_refused(self, configure):
        for length in ("-1", "1e3", "9" * 40, "\xb2"):
            headers = {"Content-Length": length.encode("latin-1")}
            response = ask(configure(), "POST", "/api/v1/settings/toml", headers=headers)
            assert response.status_code == 400


JSON = {"Content-Type": "application/json"}


def test_remote_clients_get_no_devices_of_the_host_unasked(configure):
    def capabilities(client, **changes):
        headers = {"Host": "203.0.113.9"}
        config = configure(host="0.0.0.0", insecure=True, **changes)
        return ask(config, client=client, headers=headers).json()

    assert capabilities("127.0.0.1")["capabilities"]["host_cameras"]
    far = capabilities("198.51.100.7")
    assert far["remote"]
    assert not far["capabilities"]["host_cameras"]
    assert not far["capabilities"]["host_sinks"]
    assert capabilities("198.51.100.7", allow_host_devices=True)["capabilities"]["host_sinks"]


def test_whoever_something_in_front_connects_for_counts_as_remote(configure):
    told = ask(configure(), headers={"X-Forwarded-For": "127.0.0.1"}).json()
    assert told["remote"]
    assert not told["capabilities"]["host_cameras"]


def test_an_unexpected_error_tells_nothing(configure):
    async def work():
        async with client_of(configure()) as made:

            @made.app.get("/api/v1/broken")
            def broken():
                raise RuntimeError("/secret/path and more")

            made.app.router.routes.insert(0, made.app.router.routes.pop())
            return await made.get("/api/v1/broken")

    response = run_async(work)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
    assert "content-security-policy" in response.headers
