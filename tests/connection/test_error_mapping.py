"""A refusal's code and reason, from the places in its body that the venue's spec names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.connection.error_mapping import refusal
from liqbot.venues.registry import VENUES
from liqbot.venues.spec import RefusalShape

NESTED = RefusalShape(code=("data.0.sCode", "code"), reason=("data.0.sMsg", "msg"))


@pytest.mark.parametrize(("shape", "body", "found"), [
    (NESTED, '{"code":"1","msg":"All failed","data":[{"sCode":"51008","sMsg":"Too little"}]}', ("51008", "Too little")),
    (NESTED, '{"code":"50011","msg":"Too many","data":[]}', ("50011", "Too many")),
    (NESTED, '{"code":"1","msg":"failed","data":[{"sCode":"","sMsg":""}]}', ("1", "failed")),
    (NESTED, '{"code":"1","data":{"sCode":"2"}}', ("1", "")),
    (NESTED, '{"code":"1","data":[7]}', ("1", "")),
    (RefusalShape(), '{"code":-2019,"msg":"Margin is insufficient."}', ("-2019", "Margin is insufficient.")),
    (RefusalShape(), '{"code":0,"message":"x"}', ("0", "x")),
    (RefusalShape(), "no body at all", ("", "")),
    (RefusalShape(), '{"broken"', ("", "")),
    (RefusalShape(), '{"code":}', ("", "")),
])
def test_the_first_path_that_leads_to_something_counts(shape: RefusalShape, body: str, found: tuple[str, str]) -> None:
    assert refusal(f"someclient {body}", shape) == found


@given(st.text())
def test_no_body_is_a_surprise(body: str) -> None:
    for spec in VENUES.values():
        code, reason = refusal("{" + body + "}", spec.refusal)
        assert isinstance(code, str)
        assert isinstance(reason, str)
