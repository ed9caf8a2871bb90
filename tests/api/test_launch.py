"""Links from outside: into a ready run, to sign in, and the badge."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from support.api import Api, Person
from support.furnished import asked, furnished, make_ready

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def ann(api: Api) -> Person:
    return furnished(api)


def test_a_ready_run_opens_at_its_own_origin_with_a_ticket(ann: Person, api: Api) -> None:
    run = asked(ann)["id"]
    make_ready(api, run)
    answer = ann.get(f"/open/{run}?path={quote('/lab/tree/a b.ipynb', safe='')}")
    assert answer.status_code == 303
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    target = urlsplit(answer.headers["Location"])
    assert (target.netloc, target.path) == (f"{run}.localhost:8470", "/.alongside/ticket")
    assert parse_qs(target.query)["next"] == ["/lab/tree/a b.ipynb"]


def test_a_token_that_reads_opens_no_tool(ann: Person, api: Api) -> None:
    run = asked(ann)["id"]
    make_ready(api, run)
    assert api.program("ann").get(f"/open/{run}").headers["Location"].endswith(f"/runs/{run}")
    opened = api.program("ann", scopes=("read", "run")).get(f"/open/{run}").headers["Location"]
    assert "/.alongside/ticket" in opened


@pytest.mark.parametrize("path", ["https://evil.example/x", "//evil.example/x", "/\\evil.example"])
def test_a_run_never_opens_at_an_address_elsewhere(ann: Person, api: Api, path: str) -> None:
    run = asked(ann)["id"]
    make_ready(api, run)
    answer = ann.get(f"/open/{run}?path={quote(path, safe='')}")
    if answer.status_code == 303:
        target = urlsplit(answer.headers["Location"])
        assert target.netloc == f"{run}.localhost:8470"
        following = parse_qs(target.query)["next"][0]
        assert following.startswith("/")
        assert not following.startswith(("//", "/\\"))
    else:
        assert (answer.status_code, answer.json["code"]) == (422, "invalid")


def test_a_run_that_is_not_ready_leads_to_its_page_and_is_not_started(ann: Person) -> None:
    run = asked(ann)["id"]
    ann.post(f"/runs/{run}/stop")
    answer = ann.get(f"/open/{run}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{run}")
    assert ann.get(f"/runs/{run}").json["word"] == "Stopped"


def test_who_is_not_signed_in_signs_in_first_and_comes_back(ann: Person, api: Api) -> None:
    run = asked(ann)["id"]
    make_ready(api, run)
    answer = api.nobody().get(f"/open/{run}?path=%2Flab%3Fa%3Db")
    target = urlsplit(answer.headers["Location"])
    assert (answer.status_code, target.netloc, target.path) == (303, "", "/sign-in")
    assert parse_qs(target.query)["next"] == [f"/open/{run}?path=%2Flab%3Fa%3Db"]


def test_other_people_get_no_ticket(ann: Person, api: Api) -> None:
    run = asked(ann)["id"]
    make_ready(api, run)
    answer = api.person("bob").get(f"/open/{run}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{run}")


@pytest.mark.parametrize(
    "text", ["Launch", "<script>alert(1)</script>", "\"&'", "日本", "a" * 200, " ", "\x00\x07"]
)
def test_a_badge_is_a_picture_whatever_the_text(api: Api, text: str) -> None:
    answer = api.nobody().get(f"/badge.svg?text={quote(text)}")
    if "\x00" in text:
        assert answer.status_code == 422
        return
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    picture = ET.fromstring(answer.text)
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} == {
        *("svg", "title", "clipPath", "rect", "g", "text")
    }
    shown = [element.text for element in picture.iter(f"{SVG}text")]
    assert shown == ["Alongside", " ".join(text.split())[:60] or "Launch"]


def test_a_badge_may_be_kept_by_caches_and_runs_nothing(api: Api) -> None:
    answer = api.nobody().get("/badge.svg")
    assert "max-age" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
