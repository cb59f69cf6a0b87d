"""What requests that are decided together would record, each as if it stood alone after those before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from domain.decision import decide, reads
from domain.event import Recorded, Reference
from domain.ledger_view import LedgerView, Stream
from domain.replay import advance
from domain.rules import Refused
from domain.state.project import Project
from service.ledger.outcomes import Conflicts, Counted, Decided, NotRecorded, Outcome, Overtaken, Post, Refusal
from service.ledger.recorder import Filing
from service.ledger.states import KnownPost, Loaded

Name = tuple[str, str]
"""A post's identity without its content: source and id."""


class Request(Struct, eq=False):
    """Posts that were sent together. Atomic: one that does not count, and none does; else each stands for itself.

    `done`: its outcomes, or its error, may be told.
    """

    bundle: Sequence[Post]
    atomic: bool
    outcomes: list[Outcome] | None = None
    error: BaseException | None = None
    done: bool = False


class Draft(Struct):
    """What would be recorded, decided on `loaded`: for each request its outcomes so far (None: to be recorded).

    `filings` tells which events are which post's; a post that says again what an earlier one said shares its filing.
    """

    loaded: Loaded
    books: LedgerView
    decided: list[tuple[Request, list[Outcome | None]]] = field(default_factory=list)
    events: list[Recorded] = field(default_factory=list)
    filings: dict[Name, Filing] = field(default_factory=dict)

    def add(self, request: Request, *, only_if_all_count: bool = False) -> bool:
        """Decide one more request on the books as the earlier ones left them; whether it was kept.

        Of an atomic one that is spoiled nothing is left but its outcomes; `only_if_all_count`: not even these.
        """
        books, events, known = self.books, len(self.events), len(self.filings)
        outcomes = [self._outcome(post) for post in request.bundle]
        spoiled = any(isinstance(each, Conflicts | Overtaken | Refusal) for each in outcomes)
        drop = only_if_all_count and any(each is not None for each in outcomes)
        if drop or (request.atomic and spoiled):
            self.books = books
            del self.events[events:]
            for name in list(self.filings)[known:]:
                del self.filings[name]
            outcomes = [outcome or NotRecorded() for outcome in outcomes]
        if not drop:
            self.decided.append((request, outcomes))
        return not drop

    def _outcome(self, post: Post) -> Outcome | None:
        name = (post.identity.source, post.identity.id)
        if known := self.loaded.posts.get(name):
            return _again(known, post)
        if earlier := self.filings.get(name):
            return None if earlier.identity == post.identity else Conflicts()
        return self._decide(post, name)

    def _decide(self, post: Post, name: Name) -> Outcome | None:
        stream, expected = post.posted.stream, post.expected_version
        actual = self.books.stream(stream).version
        if expected is not None and expected != actual:
            return Overtaken(stream, expected, actual)
        try:
            events = decide(self.books, post.posted)
        except Refused as rule:
            return Refusal(
                rule.with_traceback(None)
            )  # whose frames would keep all they hold until garbage is looked for
        self.books = advance(self.books, events)
        self.filings[name] = Filing(post.identity, len(self.events) + 1, len(self.events) + len(events))
        self.events += events
        return None

    def read(self) -> dict[str, int]:
        """The streams that the decisions read, and their versions before."""
        names = streams_of((post for request, _ in self.decided for post in request.bundle), self.loaded.entries)
        states = [self.loaded.streams.get(name, Stream()).state for name in names]
        funds = [f"fund/{state.fund}" for state in states if isinstance(state, Project)]
        return {name: self.loaded.streams.get(name, Stream()).version for name in (*names, *funds)}

    def answer(self, first_position: int) -> None:
        """Tell each request its outcomes, the events standing in the log from `first_position` on."""
        answered: set[Name] = set()
        for request, outcomes in self.decided:
            told: list[Outcome] = []
            for post, outcome in zip(request.bundle, outcomes, strict=True):
                name = (post.identity.source, post.identity.id)
                told.append(outcome or self._counted(name, first_position - 1, name in answered))
                if outcome is None:
                    answered.add(name)
            request.outcomes = told

    def consider(self) -> list[Outcome]:
        """The outcomes of the one request if nothing is recorded."""
        [(request, outcomes)] = self.decided
        return [outcome or self._decided(post) for post, outcome in zip(request.bundle, outcomes, strict=True)]

    def _decided(self, post: Post) -> Decided:
        filing = self.filings[post.identity.source, post.identity.id]
        return Decided(tuple(self.events[filing.first - 1 : filing.last]))

    def _counted(self, name: Name, before: int, again: bool) -> Counted:
        filing = self.filings[name]
        version = self.events[filing.first - 1].version
        return Counted(before + filing.first, before + filing.last, version, again)


def _again(known: KnownPost, post: Post) -> Outcome:
    if known.digest != post.identity.digest:
        return Conflicts()
    return Counted(known.first, known.last, known.version, replayed=True)


def streams_of(posts: Iterable[Post], known: Mapping[Reference, Recorded]) -> list[str]:
    """The streams that deciding these reads, but for the funds of projects."""
    return list(dict.fromkeys(name for post in posts for name in reads(post.posted, known)))


def references_of(posts: Iterable[Post]) -> list[Reference]:
    """The entries that deciding these looks at again."""
    return [reference for post in posts for reference in post.posted.fact.refers_to(post.posted.stream)]
