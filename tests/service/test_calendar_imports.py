"""Imported calendars are kept for ever. Every process uses an import from the next post on.

A check decides each event by the calendar that was in force when the event was recorded.
"""

import threading
from datetime import date

import psycopg
import pytest
from msgspec import structs
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from domain.rules.call import CalendarUnknown, NoticeTooShort
from service.archive.manifest import WITH_CALENDARS, ArchiveWrong, empty, find
from service.archive.restore import restore
from service.archive.write import archive
from service.calendar import imports
from service.calendar.imports import YearImported
from service.calendar.working_days import packaged_working_days
from service.check import check
from service.ledger.application import Ledger
from service.ledger.outcomes import Committed, Decided, Refusal
from service.look_alikes import alike
from tests.conftest import new_database
from tests.lives import PROJECT, allotted, line, notice, reviewed
from tests.posting import identified, open_ledger, put
from tests.scenario import TODAY, post
from tests.service.calendar_files import TEXT_2027, changed, plain, read

REVIEWED = (*allotted(line()), *reviewed())


def connect(url):
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def add(url, text, *, replace=False):
    with connect(url) as conn:
        return imports.add(conn, read(text), "甲", replace=replace)


def shown(first_day, last_day):
    return identified(post(PROJECT, notice(first_day, last_day, "a"), "2-16"))


def rule(ledger, posted):
    """The rule by which the ledger refuses this post; None if the ledger records the post."""
    [outcome] = ledger.post([posted])
    assert isinstance(outcome, Committed | Refusal), outcome
    return type(outcome.rule) if isinstance(outcome, Refusal) else None


# What is kept


def test_an_import_is_kept_with_its_file_its_document_who_and_when(database_url):
    with open_ledger(database_url) as ledger:
        head = put(ledger, REVIEWED)
    add(database_url, TEXT_2027)
    with connect(database_url) as conn:
        [kept] = imports.history(conn)
    file = read(TEXT_2027)
    assert (kept.calendar, kept.documents, kept.content) == (file.calendar, file.documents, TEXT_2027)
    assert (kept.actor, kept.position, kept.replaces) == ("甲", head, None)


def test_the_same_calendar_again_changes_nothing_even_if_it_is_written_otherwise(database_url):
    assert add(database_url, TEXT_2027)
    assert add(database_url, TEXT_2027) is None
    assert add(database_url, "# 另一份抄件\n" + TEXT_2027, replace=True) is None
    with connect(database_url) as conn:
        assert len(imports.history(conn)) == 1


def test_another_calendar_of_an_imported_year_needs_replace_and_the_old_one_is_kept(database_url):
    first = add(database_url, TEXT_2027)
    other = changed("first_day: 2027-06-09", "first_day: 2027-06-10")
    with pytest.raises(YearImported, match=r"2027 年的放假安排已导入(?s:.)*another calendar of 2027"):
        add(database_url, other)
    second = add(database_url, other, replace=True)
    third = add(database_url, TEXT_2027, replace=True)
    with connect(database_url) as conn:
        assert imports.history(conn) == [first, second, third]
    assert (second.replaces, third.replaces) == (first.imported_at, second.imported_at)


def test_the_database_refuses_to_change_an_import_or_to_have_two_first_ones(conn):
    imports.add(conn, read(TEXT_2027), "甲")
    for statement in (
        "update calendar_import set actor = '乙'",
        "delete from calendar_import",
        "truncate calendar_import",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"), conn.transaction():
            conn.execute(statement)
    [kept] = imports.history(conn)
    row = {**structs.asdict(kept), "imported_at": None, "position": None}
    imports.insert(conn, {**row, "replaces": kept.imported_at})
    for another in (row, {**row, "replaces": kept.imported_at}):
        with pytest.raises(psycopg.errors.UniqueViolation), conn.transaction():
            imports.insert(conn, another)
    with pytest.raises(psycopg.errors.CheckViolation), conn.transaction():
        imports.insert(conn, {**row, "year": 2028, "working_weekends": kept.days_off[:1]})


def test_of_two_imports_at_the_same_time_one_is_refused(database_url):
    answers = []

    def work(text):
        try:
            answers.append(add(database_url, text))
        except YearImported as error:
            answers.append(error)

    threads = [threading.Thread(target=work, args=(plain(2031, day),)) for day in ("02-03", "03-04", "05-06", "06-07")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(isinstance(each, imports.Import) for each in answers) == 1
    assert sum(isinstance(each, YearImported) for each in answers) == 3


def test_an_import_that_waited_for_posts_comes_after_them_whatever_the_server_s_default_isolation(database_url):
    waiting = (
        "select count(*) = 1 as waits from pg_locks join pg_database as d on d.oid = database"
        " where datname = current_database() and locktype = 'advisory' and not granted"
    )
    serializable = make_conninfo(database_url, options="-c default_transaction_isolation=serializable")
    added = []
    with connect(database_url) as observer, connect(database_url) as appender:
        with appender.transaction():
            appender.execute("select lock_appends()")
            thread = threading.Thread(target=lambda: added.append(add(serializable, plain(2031))))
            thread.start()
            while not observer.execute(waiting).fetchone()["waits"]:
                assert thread.is_alive()
            appender.execute(
                "insert into event (position, stream, version, type, recorded_at, fact)"
                " values (1, 'fund/f', 1, 'FundEstablished', now(), '{}')"
            )
        thread.join()
    assert [each.position for each in added] == [1]


# What is decided by it


def test_every_running_process_uses_an_import_from_the_next_post_on(database_url):
    beyond = ("2030-12-30", "2031-1-10")
    with open_ledger(database_url) as one, open_ledger(database_url) as other:
        put(one, REVIEWED)
        assert {rule(one, shown(*beyond)), rule(other, shown(*beyond))} == {CalendarUnknown}
        add(database_url, plain(2031))
        assert rule(one, shown(*beyond)) is None
        assert rule(other, shown(*beyond)) is None
        assert one.view().missing_year(2019) == other.view().missing_year(2019) == 2032


def test_a_view_and_a_dry_run_use_an_import_at_once(database_url):
    beyond = shown("2030-12-30", "2031-1-10")
    with open_ledger(database_url) as ledger:
        put(ledger, REVIEWED)
        assert ledger.view().working_days(date(2031, 1, 1), date(2031, 1, 7)) is None
        assert isinstance(ledger.dry_run([beyond])[0], Refusal)
        add(database_url, plain(2031))
        assert ledger.view().working_days(date(2031, 1, 1), date(2031, 1, 7)) == 4
        assert isinstance(ledger.dry_run([beyond])[0], Decided)


def test_no_notice_is_recorded_by_a_calendar_that_was_replaced_even_on_cached_states(database_url):
    week = ("2031-2-3", "2031-2-7")
    add(database_url, plain(2031))
    with open_ledger(database_url) as ledger:
        put(ledger, REVIEWED)
        assert rule(ledger, shown(*week)) is None
        add(database_url, plain(2031, "02-05"), replace=True)
        assert rule(ledger, shown(*week)) is NoticeTooShort
        add(database_url, plain(2031), replace=True)
        assert rule(ledger, shown(*week)) is None


def real_ledger(url):
    """A ledger with the same calendar as a check: the calendar of the package, and the imported calendars."""
    known = {"working_days": packaged_working_days, "valid_uscc": lambda _: True, "alike": alike}
    return Ledger(url, today=lambda: TODAY, **known, pool_size=4)


def refused_by_calendar(url):
    """The findings of a check about events that the rules of the calendar would refuse."""
    rules = ("CalendarUnknown", "NoticeTooShort")
    return [each for each in check(url).findings if each.facts.get("rule") in rules]


def test_a_check_decides_each_event_by_the_calendar_in_force_at_its_position(database_url):
    week = ("2-18", "2-22")
    ledger = real_ledger(database_url)
    put(ledger, REVIEWED)
    add(database_url, plain(2019))
    assert rule(ledger, shown(*week)) is None
    add(database_url, plain(2019, "02-20"), replace=True)
    assert rule(ledger, shown(*week)) is NoticeTooShort
    assert refused_by_calendar(database_url) == []
    beyond = ("2031-2-3", "2031-2-7")
    add(database_url, plain(2031))
    assert rule(ledger, shown(*beyond)) is None
    assert refused_by_calendar(database_url) == []
    with connect(database_url) as conn:
        conn.execute("alter table calendar_import disable trigger append_only")
        conn.execute("update calendar_import set position = position + 1 where year = 2031")
    assert [each.facts["rule"] for each in refused_by_calendar(database_url)] == ["CalendarUnknown"]
    ledger.close()


def test_while_calendars_are_replaced_no_notice_is_recorded_by_another_than_that_of_its_position(database_url):
    ledgers = [real_ledger(database_url) for _ in range(2)]
    put(ledgers[0], REVIEWED)
    add(database_url, plain(2019))
    stop, recorded = threading.Event(), []

    def show(ledger):
        while not stop.is_set():
            recorded.append(rule(ledger, shown("2-18", "2-22")))

    threads = [threading.Thread(target=show, args=(each,)) for each in ledgers]
    for each in threads:
        each.start()
    number = 0
    while number < 20 or set(recorded) != {None, NoticeTooShort}:
        add(database_url, plain(2019, "02-20") if number % 2 == 0 else plain(2019), replace=True)
        assert all(each.is_alive() for each in threads)
        number += 1
    stop.set()
    for each in threads:
        each.join()
    for each in ledgers:
        each.close()
    assert set(recorded) == {None, NoticeTooShort}
    assert refused_by_calendar(database_url) == []


# What is archived


def test_an_archive_restores_the_calendars_by_which_its_events_were_decided(
    database_url, server_url, template, tmp_path
):
    ledger = real_ledger(database_url)
    put(ledger, REVIEWED)
    start = empty("/suyuan", "a secret")
    with connect(database_url) as conn:
        archive(conn, tmp_path, start, 4)
    add(database_url, plain(2031))
    assert rule(ledger, shown("2031-2-3", "2031-2-7")) is None
    add(database_url, plain(2031, "02-05"), replace=True)
    assert rule(ledger, shown("2031-2-10", "2031-2-14")) is None
    ledger.close()
    with connect(database_url) as conn:
        archive(conn, tmp_path, start, 4)
        kept = imports.history(conn)
    archived = find(tmp_path)
    assert [each.year for segment in archived.manifest.segments for each in segment.calendars] == [2031, 2031]
    assert archived.manifest.form == WITH_CALENDARS, "an older program would read it as if it had none"
    with new_database(server_url, template) as url:
        with connect(url) as conn:
            restore(conn, archived)
            assert imports.history(conn) == kept
        assert refused_by_calendar(url) == []


def test_a_calendar_changed_in_an_archive_breaks_its_chain(database_url, tmp_path):
    add(database_url, plain(2031))
    with open_ledger(database_url) as ledger:
        put(ledger, REVIEWED)
    with connect(database_url) as conn:
        archive(conn, tmp_path, empty("/suyuan", "a secret"), 100)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("2031-01-01", "2031-01-02"), encoding="utf-8")
    with pytest.raises(ArchiveWrong, match="does not follow"):
        find(tmp_path)
