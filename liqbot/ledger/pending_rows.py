"""`PendingRows`: rows on their way into the database. Ids are given here, changes to a waiting row are made in
place."""

from collections import defaultdict
from typing import Any

Row = dict[str, Any]


class PendingRows:
    """New rows and changes since the last commit, by table name."""

    def __init__(self) -> None:
        self.last_ids: dict[str, int] = {}
        self.new: defaultdict[str, dict[int, Row]] = defaultdict(dict)
        self.changed: defaultdict[str, dict[int, Row]] = defaultdict(dict)

    def add(self, table: str, **columns: Any) -> int:
        """A new row; gives its id."""
        number = self.last_ids.get(table, 0) + 1
        self.last_ids[table] = number
        self.new[table][number] = {"id": number, **columns}
        return number

    def change(self, table: str, number: int, **columns: Any) -> None:
        """New values for a row that is waiting here or already in the database."""
        waiting = self.new[table].get(number)
        if waiting is not None:
            waiting.update(columns)
        else:
            self.changed[table].setdefault(number, {}).update(columns)

    @property
    def size(self) -> int:
        return sum(map(len, self.new.values())) + sum(map(len, self.changed.values()))

    def clear(self) -> None:
        self.new.clear()
        self.changed.clear()
