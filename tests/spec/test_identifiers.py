"""Identifiers: every common form of the same one is equal, and a malformed one says what is wrong."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alongside.errors import Invalid
from alongside.spec.identifiers import link, parse

SWH = "swh:1:dir:94a9ed024d3859793618152ea559a168bbcbb5e2"
ULID = "01arz3ndektsv4rrffq69g5fav"

FORMS = [
    ("doi", "doi:10.5072/abc", "doi:10.5072/abc"),
    ("doi", "doi:10.5072/ABC", "doi:10.5072/abc"),
    ("doi", "DOI: 10.5072/abc", "doi:10.5072/abc"),
    ("doi", "  10.5072/abc\n", "doi:10.5072/abc"),
    ("doi", "doi.org/10.5072/abc", "doi:10.5072/abc"),
    ("doi", "https://doi.org/10.5072/abc", "doi:10.5072/abc"),
    ("doi", "http://dx.doi.org/10.5072/aBc", "doi:10.5072/abc"),
    ("doi", "HTTPS://WWW.DOI.ORG/10.5072/abc?utm_source=mail#top", "doi:10.5072/abc"),
    ("doi", "https://doi.org/10.5072%2Fabc", "doi:10.5072/abc"),
    ("doi", "doi:10.5072%2Fabc", "doi:10.5072/abc"),
    ("doi", "doi%3A10.5072%2Fabc", "doi:10.5072/abc"),
    ("doi", "doi%253A10.5072%252Fabc", "doi:10.5072/abc"),
    ("doi", "https%3A%2F%2Fdoi.org%2F10.5072%2Fabc", "doi:10.5072/abc"),
    ("doi", "info:doi/10.5072/abc", "doi:10.5072/abc"),
    ("doi", "urn:doi:10.5072/abc", "doi:10.5072/abc"),
    ("doi", "doi:https://doi.org/10.5072/abc", "doi:10.5072/abc"),
    ("doi", "hdl:10.5072/ABC", "doi:10.5072/abc"),
    ("doi", "https://hdl.handle.net/10.5072/ABC", "doi:10.5072/abc"),
    ("doi", "https://identifiers.org/doi:10.5072/abc", "doi:10.5072/abc"),
    ("doi", "https://api.datacite.org/dois/10.5072/abc", "doi:10.5072/abc"),
    (
        "doi",
        "https://demo.dataverse.org/dataset.xhtml?persistentId=doi:10.70122/FK2/ABC&version=1.0",
        "doi:10.70122/fk2/abc",
    ),
    ("doi", "https://datadryad.org/stash/dataset/doi:10.5061/dryad.X1", "doi:10.5061/dryad.x1"),
    ("doi", "10.1000.10/123", "doi:10.1000.10/123"),
    (
        "doi",
        "https://doi.org/10.1002/(SICI)1096-8644(199601)99:1%3C1::AID-AJPA1%3E3.0.CO;2-1",
        "doi:10.1002/(sici)1096-8644(199601)99:1<1::aid-ajpa1>3.0.co;2-1",
    ),
    ("doi", "https://zenodo.org/records/1234567", "doi:10.5281/zenodo.1234567"),
    ("doi", "https://zenodo.org/record/1234567/files/a.csv", "doi:10.5281/zenodo.1234567"),
    ("doi", "https://www.zenodo.org/api/records/1234567", "doi:10.5281/zenodo.1234567"),
    ("doi", "https://zenodo.org/doi/10.5281/zenodo.1234567", "doi:10.5281/zenodo.1234567"),
    ("doi", "zenodo:1234567", "doi:10.5281/zenodo.1234567"),
    ("doi", "https://sandbox.zenodo.org/records/12", "doi:10.5072/zenodo.12"),
    ("hdl", "hdl:2142/12345", "hdl:2142/12345"),
    ("hdl", "HDL:2142/AbC", "hdl:2142/AbC"),
    ("hdl", "https://hdl.handle.net/2142/12345?noredirect", "hdl:2142/12345"),
    ("hdl", "http://hdl.handle.net/20.500.ABC%2FAb-1", "hdl:20.500.abc/Ab-1"),
    ("hdl", "hdl:20.500.ABC/Ab-1", "hdl:20.500.abc/Ab-1"),
    ("hdl", "info:hdl/2142/12345", "hdl:2142/12345"),
    ("ark", "ark:/12345/x7-YZ", "ark:12345/x7YZ"),
    ("ark", "ARK:12345/x7YZ", "ark:12345/x7YZ"),
    ("ark", "https://n2t.net/ark:/12345/x7YZ", "ark:12345/x7YZ"),
    ("ark", "https://example.org/ark:12345/x7YZ/.", "ark:12345/x7YZ"),
    ("ark", "ark%3A%2F12345%2Fx7YZ", "ark:12345/x7YZ"),
    ("ark", "ark:12345/x7YZ?info", "ark:12345/x7YZ"),
    ("ark", "ark:/B5072/x", "ark:b5072/x"),
    ("urn", "urn:nbn:de:0074-2023-5", "urn:nbn:de:0074-2023-5"),
    ("urn", "URN:NBN:DE:0074-ABC", "urn:nbn:de:0074-abc"),
    ("urn", "https://nbn-resolving.org/urn:nbn:de:0074-abc", "urn:nbn:de:0074-abc"),
    ("urn", "urn:ISBN:0451450523?+r?=q#f", "urn:isbn:0451450523"),
    ("urn", "urn:example:a%2cB", "urn:example:a%2CB"),
    ("url", "HTTP://Example.ORG:80/Data?a=B#part", "http://example.org/Data?a=B"),
    ("url", "https://example.org", "https://example.org/"),
    ("url", "https://example.org:8443/x", "https://example.org:8443/x"),
    ("url", "https://example.org/%7euser/a%2fb", "https://example.org/~user/a%2Fb"),
    ("url", "https://w3id.org/thing/1", "https://w3id.org/thing/1"),
    ("url", "https://zenodo.org/communities/x", "https://zenodo.org/communities/x"),
    ("url", "s3://bucket/Key", "s3://bucket/Key"),
    ("swh", SWH, SWH),
    ("swh", f"{SWH};origin=https://example.org/x;path=/a", SWH),
    ("swh", f"https://archive.softwareheritage.org/{SWH}", SWH),
    ("pdb", "https://identifiers.org/pdb:2gc4", "pdb:2gc4"),
    ("pdb", "https://identifiers.org/rcsb/PDB:2gc4", "pdb:2gc4"),
    ("pdb", "https://identifiers.org/pdb/2gc4", "pdb:2gc4"),
    ("go", "GO:0006915", "go:0006915"),
    ("clowder", "clowder:58c9a2", "clowder:58c9a2"),
    ("perma", "perma:UNI/DVN/ABC", "perma:UNI/DVN/ABC"),
    ("local", f"LOCAL:{ULID.upper()}", f"local:{ULID}"),
]


@pytest.mark.parametrize(("scheme", "text", "value"), FORMS)
def test_every_form_has_one_canonical_value(scheme: str, text: str, value: str) -> None:
    identifier = parse(text)
    assert (identifier.scheme, identifier.value) == (scheme, value)
    assert identifier.display == text.strip()


@pytest.mark.parametrize("value", sorted({row[2] for row in FORMS}))
def test_the_canonical_form_and_its_link_read_back_as_themselves(value: str) -> None:
    identifier = parse(value)
    assert str(identifier) == value
    address = link(identifier)
    assert address is None or parse(address) == identifier


MALFORMED = [
    ("", "is empty"),
    ("   ", "is empty"),
    ("doi:", "nothing follows the prefix"),
    ("doi:10.5072", "no slash"),
    ("10.5072", "no slash"),
    ("doi:10.5072/", "nothing follows 10.5072/"),
    ("doi:11.5072/abc", "must start with 10."),
    ("https://doi.org/abc", "must start with 10."),
    ("doi:10.50/abc", "4 to 9 digits"),
    ("doi:10.50x2/abc", "4 to 9 digits"),
    ("doi:10.5072/a b", "contains a space"),
    ("doi:10.5072/a%20b", "contains a space"),
    ("doi:10.5072/a%ffb", "not UTF-8"),
    ("doi:10.5072/a\nb", "line break"),
    ("hdl:2142", "needs a prefix, a slash and a suffix"),
    ("hdl:x/1", "is not a prefix"),
    ("ark:/123/x", "is not a naming authority"),
    ("ark:/12345/", "no name follows"),
    ("urn:x", "needs a namespace and a name"),
    ("urn:-x:y", "is not a namespace"),
    ("swh:2:dir:00", "must start with swh:1:"),
    ("swh:1:foo:00", "none of cnt, dir"),
    ("swh:1:dir:00", "40 hexadecimal digits"),
    ("local:abc", "26 letters and digits"),
    ("perma:", "nothing follows perma:"),
    ("info:lccn/1", "unknown kind"),
    ("zenodo:abc", "followed by its number"),
    ("https://user:secret@example.org/x", "user name or password"),
    ("https:///x", "no host name"),
    ("http://[::1/x", "not a web address"),
    ("https://example.org/a b", "contains a space"),
    ("javascript:alert(1)", "cannot name a dataset"),
    ("file:///etc/passwd", "cannot name a dataset"),
    ("C:\\data\\x", "is not a prefix"),
    ("autzen trim", "not an identifier of a known form"),
    ("doi:10.5072/" + "x" * 2000, "longer than"),
]


@pytest.mark.parametrize(("text", "reason"), MALFORMED)
def test_a_malformed_identifier_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text, field="identifiers[0]")
    (fault,) = caught.value.faults
    assert fault.field == "identifiers[0]"
    assert reason in fault.reason


suffixes = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("Z", "C")),
    min_size=1,
    max_size=40,
)
doi_prefixes = st.from_regex(r"10\.[0-9]{4,9}(\.[0-9]{1,3})?", fullmatch=True)


@given(doi_prefixes, suffixes)
def test_all_forms_of_the_same_doi_are_equal(prefix: str, suffix: str) -> None:
    assume("%" not in suffix)
    doi = f"{prefix}/{suffix}"
    encoded = quote(doi, safe="")
    expected = parse(f"doi:{doi}")
    folded = "".join(char.upper() if char.isascii() else char for char in suffix)
    for form in (
        doi,
        f"DOI:{doi}",
        f"doi:{prefix}/{folded}",
        f"info:doi/{doi}",
        f"doi:{encoded}",
        encoded,
        f"doi%3A{encoded}",
        f"https://doi.org/{quote(doi)}",
        f"http://dx.doi.org/{encoded}",
        f"doi.org/{encoded}",
        quote(f"https://doi.org/{encoded}", safe=""),
    ):
        assert parse(form) == expected, form


@given(
    st.one_of(
        st.text(max_size=60),
        st.builds(
            "{}{}".format,
            st.sampled_from(
                [
                    "doi:10.5072/",
                    "10.5072/",
                    "https://doi.org/",
                    "hdl:2142/",
                    "ark:/12345/",
                    "urn:example:",
                    "URN:nbn:",
                    "https://example.org/",
                    "http://example.org?",
                    "perma:",
                    "pdb:",
                    "https://identifiers.org/",
                    "https://n2t.net/",
                    "https://zenodo.org/",
                    "swh:1:",
                    "local:",
                    "info:",
                    "x://",
                    "https://",
                ]
            ),
            st.one_of(st.text(max_size=40), st.from_regex(r"[%0-9a-fA-F/:?#.&=-]{0,20}", fullmatch=True)),
        ),
    )
)
def test_whatever_parses_prints_as_text_that_parses_to_the_same(text: str) -> None:
    try:
        identifier = parse(text)
    except Invalid:
        return
    again = parse(str(identifier))
    assert again == identifier
    assert again.value == identifier.value
    assert not any(char.isspace() for char in identifier.value)
