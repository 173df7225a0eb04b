"""A short form of scripts/torture_door.py: a real process, everything that needs no clock."""

from __future__ import annotations

import argparse

import pytest
import torture_door


@pytest.mark.parametrize("probe", ["body", "odd", "stops"])
def test_the_door_holds(probe: str) -> None:
    findings = list(torture_door.PROBES[probe](argparse.Namespace(seconds=2, stops=1)))
    assert findings
    assert [finding for finding in findings if not finding.held] == []


def test_under_overload_everybody_is_answered_or_sent_away() -> None:
    findings = {
        finding.probe: finding for finding in torture_door.overload(argparse.Namespace(seconds=2))
    }
    assert findings["neither"].measured == "0"
    assert not any(probe.startswith("0 refusals") for probe in findings)
