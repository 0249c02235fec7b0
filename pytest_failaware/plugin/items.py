"""Run one marked item: its fixture measures in setup, it is judged after its body, its report carries the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import Final, NoReturn

import pytest

from pytest_failaware.core.attachment import Attachment
from pytest_failaware.core.errors import ConfigError, FailAwareError
from pytest_failaware.core.result import ItemResult
from pytest_failaware.core.text import printable, without_home
from pytest_failaware.plugin.attaching import ATTACHMENT, attach
from pytest_failaware.plugin.console import verbosity_of
from pytest_failaware.plugin.gated_items import gated_of, is_marked, marked_test, takes_gates
from pytest_failaware.plugin.sending import judged_item
from pytest_failaware.plugin.session import GatedCondition, Measured
from pytest_failaware.plugin.stash import ATTACHED, JUDGING, MEASURED, NO_MODEL, SESSION
from pytest_failaware.plugin.user_code import contained
from pytest_failaware.report import junit
from pytest_failaware.report.failure import failure_lines

_BODY_FAILED: Final = "the body of the test failed, so nothing of it is stored"


def set_up(item: pytest.Item) -> Generator[None, None, None]:
    """Let the fixtures measure; an error of ours fails the item in one line."""
    item.stash[ATTACHED] = Attachment()
    try:
        _refuse_other_markers(item)
        return (yield)
    except FailAwareError as error:
        _fail_as_unusable(item, error)


def _refuse_other_markers(item: pytest.Item) -> None:
    """Refuse an item whose markers were changed after pytest_generate_tests built its gate."""
    gated, markers = gated_of(item), tuple(item.iter_markers("reliability"))
    if markers == (() if gated is None else gated.markers):
        return
    if gated is None and not takes_gates(item):
        pytest.fail(
            f"{item.nodeid}: reliability gates plain test functions and methods; nothing is checked here", False
        )
    raise ConfigError(
        f"{item.nodeid}: its markers reliability are not those of the function, so a hook or pytest.param changed them "
        "after its gate was built; put the arguments into the marker of the function"
    )


def call(item: pytest.Item) -> Generator[None, None, None]:
    """Judge after the body; a regression is an ordinary failure of an item whose body passed."""
    gated = gated_of(item)
    try:
        yield
    except (Exception, pytest.fail.Exception):
        _judge_after_failure(item, gated)
        raise
    if gated is None:
        return
    try:
        result = _judge(item, gated, _measured(item))
    except FailAwareError as error:
        _fail_as_unusable(item, error)
    others = [pair for pair in item.user_properties if not pair[0].startswith(junit.PREFIX)]
    item.user_properties[:] = [
        *others,
        *junit.properties(result),
    ]  # of the last attempt only
    if result.verdict.fails:
        lines = failure_lines(result, verbosity=verbosity_of(item.config))
        pytest.fail("\n".join(printable(without_home(line)) for line in lines), pytrace=False)


def _measured(item: pytest.Item) -> Measured:
    """Return what the fixture `reliability` measured.

    Raises:
        ConfigError: a fixture of the tests has the name `reliability`.
    """
    measured = item.stash.get(MEASURED, None)
    if measured is None:
        raise ConfigError(
            f"{item.nodeid}: a fixture reliability of the tests replaces the plugin's, so nothing was measured; "
            "rename it"
        )
    return measured


def _judge(item: pytest.Item, gated: GatedCondition, measured: Measured, *, body_failed: bool = False) -> ItemResult:
    """Judge an item, keep the result for its report, and return it."""
    judging = item.config.stash[JUDGING]
    file, line, _ = item.location
    with contained("judging it: a metric of a hook"):
        result = judging.judge(measured, gated.gate, item.nodeid)
        result = dataclasses.replace(
            result,
            test=marked_test(item, gated.condition),
            location=(file, (line or 0) + 1),
            notes=(*result.notes, *([_BODY_FAILED] if body_failed else [])),
        )
        judged = judged_item(judging, measured, gated.gate, result)
    item.stash[ATTACHED] = Attachment(judged=dataclasses.replace(judged, share=None) if body_failed else judged)
    return result


def _judge_after_failure(item: pytest.Item, gated: GatedCondition | None) -> None:
    """Judge an item whose body failed, so that the summary shows its numbers; none of them is stored."""
    measured = item.stash.get(MEASURED, None)
    if gated is None or measured is None:
        return
    try:
        _judge(item, gated, measured, body_failed=True)
    except FailAwareError:
        item.stash[ATTACHED] = Attachment()  # the failure of the body is what the item reports


def _fail_as_unusable(item: pytest.Item, error: FailAwareError) -> NoReturn:
    """Fail an item with an error of ours; the run will end with the exit code of a usage error."""
    text = printable(without_home(str(error)))
    item.stash[ATTACHED] = Attachment(error=text)
    raise pytest.fail.Exception(text, pytrace=False) from None


def send(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Attach the item's result to its report; the first report of a marked item always has an attachment."""
    session, attachment = item.config.stash.get(SESSION, None), item.stash.get(ATTACHED, Attachment())
    if session is not None:
        notices, early = tuple(session.measurer.take_notices()), tuple(session.early.take())
        attachment = dataclasses.replace(attachment, notices=notices, early=early)
    if call.excinfo is not None and call.excinfo.value is item.config.stash.get(NO_MODEL, None):
        attachment = dataclasses.replace(attachment, lacks_model=True)
    if attachment != Attachment() or (report.when == "setup" and is_marked(item)):
        attach(report, ATTACHMENT, attachment)
        item.stash[ATTACHED] = Attachment()
