"""States of runs: the transition table is closed, and every state has a word."""

from __future__ import annotations

from typing import get_args

import pytest

from alongside.spec.runs import ACTIVE, FINAL, TRANSITIONS, State, Word, word

STATES: tuple[State, ...] = get_args(State)


def test_the_transition_table_names_every_state_and_no_other() -> None:
    assert set(TRANSITIONS) == set(STATES)
    for followers in TRANSITIONS.values():
        assert followers <= set(STATES)


def test_no_state_follows_itself() -> None:
    assert not [state for state, followers in TRANSITIONS.items() if state in followers]


def test_every_state_can_be_reached_from_queued() -> None:
    reached: set[State] = {"queued"}
    while grown := {follower for state in reached for follower in TRANSITIONS[state]} - reached:
        reached |= grown
    assert reached == set(STATES)


def test_from_every_state_but_canceled_a_run_can_still_be_canceled() -> None:
    ends_canceled: set[State] = {"canceled"}
    while grown := {state for state in STATES if TRANSITIONS[state] & ends_canceled} - ends_canceled:
        ends_canceled |= grown
    assert ends_canceled == set(STATES)


@pytest.mark.parametrize("state", sorted(FINAL | {"paused"}))
def test_what_has_ended_only_begins_again_or_is_deleted(state: State) -> None:
    assert TRANSITIONS[state] <= {"queued", "canceled"}


def test_active_and_ended_states_do_not_overlap() -> None:
    assert not ACTIVE & FINAL
    assert ACTIVE | FINAL | {"paused"} == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_one_of_the_words(state: State) -> None:
    for ready in (False, True):
        for kind in ("interactive", "task"):
            assert word(state, ready=ready, kind=kind) in get_args(Word)


def test_an_interactive_run_is_ready_only_when_it_answers() -> None:
    assert word("running", ready=False, kind="interactive") == "Starting"
    assert word("running", ready=True, kind="interactive") == "Ready"
    assert word("running", ready=False, kind="task") == "Running"
