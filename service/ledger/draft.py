"""The draft of one transaction: the events that it would record.

Each post is decided as if the accepted posts before it in the draft were already recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from domain.decision import decide, reads
from domain.documents import Claim
from domain.event import Recorded, Reference
from domain.ledger_view import LedgerView, Stream
from domain.replay import advance
from domain.rules import Refused
from domain.rules.every_post import UnknownStream
from domain.state.project import Project
from service.ledger.outcomes import (
    Committed,
    Decided,
    IdentityConflict,
    NotRecorded,
    Outcome,
    Post,
    Refusal,
    VersionConflict,
)
from service.ledger.recorder import Appended, LastEvent, NewPost
from service.ledger.states import CachedState, Loaded

PostKey = tuple[str, str]
"""A post's identity without its content: source and id."""


class Request(Struct, eq=False):
    """Posts that were sent together.

    `atomic`: either all posts are recorded or none is. If it is false, each post is decided independently. `done`:
    processing has ended, so `outcomes` or `error` may be read.
    """

    bundle: Sequence[Post]
    atomic: bool
    outcomes: list[Outcome] | None = None
    error: BaseException | None = None
    done: bool = False


class Draft(Struct):
    """The events that one transaction would record.

    `loaded`: the state before the draft. `view`: the state after all requests decided so far. `decided`: each request
    with one outcome per post; the outcome None means that the post is to be recorded. `new_posts`: each post to be
    recorded, with its events. If a post occurs twice in the draft, it has one NewPost.
    """

    loaded: Loaded
    view: LedgerView
    decided: list[tuple[Request, list[Outcome | None]]] = field(default_factory=list)
    events: list[Recorded] = field(default_factory=list)
    new_posts: dict[PostKey, NewPost] = field(default_factory=dict)

    def add(self, request: Request, *, only_if_all_accepted: bool = False) -> bool:
        """Decide `request` after the requests already in the draft; return whether its outcomes were added.

        If a post of an atomic request fails, the outcomes of the request are added, but none of its events. With
        `only_if_all_accepted`, a request is added only if all its posts are to be recorded. If one of them is not,
        nothing is added, and the result is False.
        """
        view, event_count, post_count = self.view, len(self.events), len(self.new_posts)
        outcomes = [self._outcome(post) for post in request.bundle]
        failed = any(isinstance(each, IdentityConflict | VersionConflict | Refusal) for each in outcomes)
        drop = only_if_all_accepted and any(each is not None for each in outcomes)
        if drop or (request.atomic and failed):
            self.view = view
            del self.events[event_count:]
            for key in list(self.new_posts)[post_count:]:
                del self.new_posts[key]
            outcomes = [outcome or NotRecorded() for outcome in outcomes]
        if not drop:
            self.decided.append((request, outcomes))
        return not drop

    def _outcome(self, post: Post) -> Outcome | None:
        if outcome := recorded_before(self.loaded, post):
            return outcome
        key = (post.identity.source, post.identity.id)
        if earlier := self.new_posts.get(key):
            return None if earlier.identity == post.identity else IdentityConflict()
        return self._decide(post, key)

    def _decide(self, post: Post, key: PostKey) -> Outcome | None:
        stream, expected = post.posted.stream, post.expected_version
        owner = self.view.stream(stream).state
        if post.fund is not None and isinstance(owner, Project) and owner.fund != post.fund:
            return Refusal(UnknownStream(stream=stream))
        actual = self.view.stream(stream).version
        if expected is not None and expected != actual:
            return VersionConflict(stream, expected, actual)
        try:
            events = decide(self.view, post.posted)
        except Refused as rule:
            return Refusal(
                rule.with_traceback(None)
            )  # the frames of its traceback would keep their local values alive until the garbage collector runs
        self.view = advance(self.view, events)
        self.new_posts[key] = NewPost(post.identity, len(self.events) + 1, len(self.events) + len(events))
        self.events += events
        return None

    def last_read(self) -> dict[str, LastEvent]:
        """The streams that the decisions read, each with its last event before the draft."""
        names = streams_of((post for request, _ in self.decided for post in request.bundle), self.loaded.entries)
        states = [self.loaded.streams.get(name, Stream()).state for name in names]
        funds = [f"fund/{state.fund}" for state in states if isinstance(state, Project)]
        return {name: self.loaded.last.get(name, LastEvent()) for name in (*names, *funds)}

    def absent_codes(self) -> set[Claim]:
        """The codes whose owners the decisions looked up, and that nobody owned before the draft."""
        asked = {code for request, _ in self.decided for post in request.bundle for code in post.posted.fact.looks_up()}
        return asked - self.loaded.claims.keys()

    def states(self, appended: Appended) -> dict[str, CachedState]:
        """Maps the name of each stream that has events in the draft to the stream's state after these events.

        `appended`: where the events were recorded.
        """
        last = {
            event.stream: LastEvent(event.version, position, appended.nonce)
            for position, event in enumerate(self.events, appended.first)
        }
        return {name: CachedState(self.view.streams[name], each) for name, each in last.items()}

    def set_outcomes(self, first_position: int) -> None:
        """Set the outcomes of each request after the events were recorded.

        `first_position` is the position of the first recorded event.
        """
        answered: set[PostKey] = set()
        for request, outcomes in self.decided:
            final: list[Outcome] = []
            for post, outcome in zip(request.bundle, outcomes, strict=True):
                key = (post.identity.source, post.identity.id)
                final.append(outcome or self._counted(key, first_position - 1, key in answered))
                if outcome is None:
                    answered.add(key)
            request.outcomes = final

    def dry_run(self) -> list[Outcome]:
        """The outcomes of the draft's only request. The outcome of a post that would be recorded is Decided."""
        [(request, outcomes)] = self.decided
        return [outcome or self._decided(post) for post, outcome in zip(request.bundle, outcomes, strict=True)]

    def _decided(self, post: Post) -> Decided:
        new = self.new_posts[post.identity.source, post.identity.id]
        return Decided(tuple(self.events[new.first - 1 : new.last]))

    def _counted(self, key: PostKey, position_before: int, replayed: bool) -> Committed:
        new = self.new_posts[key]
        version = self.events[new.first - 1].version
        return Committed(position_before + new.first, position_before + new.last, version, replayed)


def recorded_before(loaded: Loaded, post: Post) -> Outcome | None:
    """The outcome of `post` if `loaded` has a recorded post with its source and id; otherwise None."""
    recorded = loaded.posts.get((post.identity.source, post.identity.id))
    if recorded is None:
        return None
    if recorded.digest != post.identity.digest:
        return IdentityConflict()
    return Committed(recorded.first, recorded.last, recorded.version, replayed=True)


def streams_of(posts: Iterable[Post], referenced: Mapping[Reference, Recorded]) -> list[str]:
    """The names of the streams that must be read to decide the posts.

    The fund of each project among them must be read too, but is not added to the names. `referenced`: the recorded
    entries that the posts refer to.
    """
    return list(dict.fromkeys(name for post in posts for name in reads(post.posted, referenced)))


def references_of(posts: Iterable[Post]) -> list[Reference]:
    """References to the recorded entries that must be read to decide the posts."""
    return [reference for post in posts for reference in post.posted.fact.refers_to(post.posted.stream)]
