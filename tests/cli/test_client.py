"""The client against a real hub."""

from __future__ import annotations

import pytest

from alongside.client import Client, Refused
from alongside.client.errors import Unreachable
from alongside.client.runs import safe, uses
from alongside.spec.runs import DatasetUse
from support.event_source import EventSource
from support.small_hub import SmallHub

TOOL = """
name: {name}
version: "1"
kind: task
components: [{{environment: demo, command: ["true"]}}]
"""


def test_a_registered_dataset_is_found_by_every_form_of_its_doi(client: Client) -> None:
    made = client.datasets.register(
        [{"site": "local", "path": "/data/x.laz"}], title="X", identifiers=["doi:10.5072/forms"]
    )
    assert client.datasets.show("https://doi.org/10.5072/FORMS").id == made.id
    assert client.datasets.show(made.id).title == "X"
    assert made.id in {dataset.id for dataset in client.datasets.list("10.5072/forms")}


def test_a_folder_without_identifier_gets_a_local_one(client: Client) -> None:
    made = client.datasets.register([{"site": "local", "path": "/data/folder", "kind": "folder"}], title="F")
    assert [identifier.scheme for identifier in made.identifiers] == ["local"]
    assert client.datasets.resolve(made.identifiers[0].value).sites[0].site == "local"


def test_lists_are_read_to_their_last_page(client: Client) -> None:
    for number in range(105):
        client.datasets.register([{"url": f"https://data.example.org/{number}"}], title=f"page {number}")
    assert len({dataset.id for dataset in client.datasets.list("page")}) == 105


def test_an_unknown_identifier_is_refused_with_code_and_hint(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.datasets.resolve("doi:10.5072/nobody-knows")
    assert refused.value.status == 404
    assert refused.value.code == "identifier_unknown"
    assert "alongside datasets register" in refused.value.hint


def test_every_fault_of_a_specification_is_named(client: Client) -> None:
    faults = client.tools.validate({"name": "Not A Name", "version": "", "kind": "task", "components": []})
    assert {fault.field for fault in faults} >= {"name", "version", "components"}
    with pytest.raises(Refused) as refused:
        client.tools.publish({"name": "Not A Name", "version": "", "kind": "task", "components": []})
    assert refused.value.code == "invalid"
    assert len(refused.value.faults) >= 3


def test_publishing_the_same_again_changes_nothing_and_other_contents_are_refused(client: Client) -> None:
    first = client.tools.publish(TOOL.format(name="twice"))
    assert client.tools.publish(TOOL.format(name="twice")).id == first.id
    with pytest.raises(Refused) as refused:
        client.tools.publish(TOOL.format(name="twice") + "title: other\n")
    assert refused.value.code == "version_published"


def test_a_revoked_token_is_worth_nothing(hub: SmallHub, client: Client) -> None:
    made = client.new_token("short-lived", ["read"], days=1)
    with Client(hub.url, made.secret) as reader:
        assert reader.me().scopes == ("read",)
        with pytest.raises(Refused) as refused:
            reader.datasets.register([{"url": "https://data.example.org/no"}], title="no")
        assert refused.value.code == "forbidden"
        client.revoke_token(made.token.id)
        with pytest.raises(Refused) as refused:
            reader.me()
        assert refused.value.code == "unauthenticated"


def test_a_one_time_link_signs_in_once(hub: SmallHub, client: Client) -> None:
    client.admin.add_account("ada", "user")
    token = client.admin.sign_in_link("ada").url.partition("#token=")[2]
    with Client(hub.url) as ada, Client(hub.url) as late:
        assert ada.sign_in_by_link(token).account.name == "ada"
        assert ada.new_token("mine", ["read"]).secret
        with pytest.raises(Refused) as refused:
            late.sign_in_by_link(token)
        assert refused.value.code == "unauthenticated"


def test_tags_hide_what_carries_them(hub: SmallHub, client: Client) -> None:
    client.admin.add_account("bob", "user")
    client.admin.add_tag("secret")
    hidden = client.datasets.register([{"url": "https://data.example.org/hidden"}], title="hidden")
    client.admin.put_tag("secret", "dataset", hidden.id)
    token = client.admin.sign_in_link("bob").url.partition("#token=")[2]
    with Client(hub.url) as bob:
        bob.sign_in_by_link(token)
        assert hidden.id not in {dataset.id for dataset in bob.datasets.list()}
        client.admin.grant_tag("secret", account="bob")
        assert hidden.id in {dataset.id for dataset in bob.datasets.list()}


def test_an_address_where_nothing_answers_says_what_to_do() -> None:
    with Client("http://127.0.0.1:9", "token") as nobody, pytest.raises(Unreachable) as failed:
        nobody.me()
    assert "alongside up" in failed.value.hint


def test_an_address_of_something_else_is_told_apart_from_a_hub() -> None:
    with (
        EventSource(["hello"]).running() as other,
        Client(other.url, "token") as client,
        pytest.raises(Unreachable, match="not an Alongside hub"),
    ):
        client.me()


def test_a_broken_log_stream_is_taken_up_where_it_ended() -> None:
    scripts = [
        'event: log\ndata: {"offset": 0, "text": "häl"}\n\n',
        503,
        'event: log\ndata: {"offset": 4, "text": "lo\\n"}\n\nevent: end\ndata: {}\n\n',
    ]
    with EventSource(scripts).running() as source, Client(source.url, "token") as client:
        assert "".join(client.runs.follow("r1")) == "hällo\n"
    assert [path.partition("offset=")[2] for path in source.asked] == ["0", "4", "4"]


def test_progress_ends_when_the_run_is_ready_and_leaves_repetitions_out() -> None:
    steps = [
        'data: {"progress": 10, "message": "waiting", "state": "queued", "word": "Waiting"}',
        'data: {"progress": 10, "message": "waiting", "state": "queued", "word": "Waiting"}',
        ": still here",
        'data: {"progress": 100, "message": "ready", "ready": true, "url": "http://x", "word": "Ready"}',
    ]
    script = "\n\n".join(steps) + "\n\n"
    with EventSource([script]).running() as source, Client(source.url, "token") as client:
        seen = list(client.runs.progress("r1"))
    assert [(step.word, step.ready) for step in seen] == [("Waiting", False), ("Ready", True)]


def test_a_dataset_may_be_named_in_front_of_its_identifier() -> None:
    named, plain = uses(["cloud=doi:10.5072/x", "https://data.example.org/?id=1"])
    assert named == DatasetUse("doi:10.5072/x", name="cloud")
    assert plain == DatasetUse("https://data.example.org/?id=1")


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../b"])
def test_an_artifact_cannot_leave_the_folder_it_is_saved_in(path: str) -> None:
    assert not safe(path).is_absolute()
    assert ".." not in safe(path).parts
