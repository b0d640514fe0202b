"""Who of a group reads which partition: the coordinator of the log in memory.

Rules:
- A group changes when a member comes or goes. All that have partitions give them up first; then a new generation
  begins, with a share for each, in turn.
- A member that comes back under its name takes the place of the older one, without a change, and puts it out.
- A member that is not heard of blocks a change until it is put out; it cannot commit afterwards.
"""

OUTSIDE = -1
"""The generation of a member that has no share yet."""


class Group:
    """The members of one group that read one topic.

    Attributes:
        generation: grows with each change that is complete.
    """

    def __init__(self, partitions: int) -> None:
        """Begin without members."""
        self.generation = 0
        self._partitions = partitions
        self._members: dict[str, object] = {}
        self._holding: set[str] = set()
        self._waited_for: set[str] = set()
        self._changing = False

    @property
    def is_changing(self) -> bool:
        """Does somebody still have to give up partitions."""
        return self._changing

    def join(self, name: str, member: object) -> int:
        """A member comes, or comes back; returns its generation."""
        is_known = name in self._members
        self._members[name] = member
        if not is_known:
            self._change()
        elif self._changing:
            self._give_up(name)
        return OUTSIDE

    def rejoin(self, name: str, member: object) -> int:
        """A member has given up its partitions; returns its generation."""
        if name not in self._members:
            self._members[name] = member
            self._change()
        self._give_up(name)
        return OUTSIDE

    def leave(self, name: str) -> None:
        """A member goes, or is put out."""
        del self._members[name]
        self._holding.discard(name)
        self._waited_for.discard(name)
        self._change()

    def share(self, name: str) -> list[int] | None:
        """The partitions of a member; None while the group changes."""
        if self._changing:
            return None
        names = list(self._members)
        self._holding.add(name)
        return [number for number in range(self._partitions) if names[number % len(names)] == name]

    def has(self, name: str, member: object) -> bool:
        """Is this the member of that name."""
        return self._members.get(name) is member

    def is_replaced(self, name: str, member: object) -> bool:
        """Is another the member of that name."""
        return self._members.get(name, member) is not member

    def is_current(self, name: str, generation: int) -> bool:
        """May a member of this generation commit."""
        return name in self._members and generation == self.generation

    def _change(self) -> None:
        self._changing = True
        self._waited_for |= self._holding
        self._complete()

    def _give_up(self, name: str) -> None:
        self._holding.discard(name)
        self._waited_for.discard(name)
        self._complete()

    def _complete(self) -> None:
        if self._changing and not self._waited_for:
            self._changing = False
            self.generation += 1
