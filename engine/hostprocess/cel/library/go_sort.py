"""The order in which Go's sort.Slice leaves elements of which none is less than the other: it does not keep the order they had.

Source: sort/zsortfunc.go, a pattern-defeating quicksort. Ranges are half open: [start, end).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["sorted_indices"]

_INSERTION_LENGTH = 12
_NINTHER_LENGTH = 50
_SHIFTING_LENGTH = 50
_SHIFTS = 5
_MOST_SWAPS = 12


def sorted_indices(length: int, less: Callable[[int, int], bool]) -> list[int]:
    """The indices 0 to `length` - 1 in order; `less(i, j)` compares the elements that they stand for."""
    sorting = _Sorting(length, less)
    sorting.sort(0, length, length.bit_length())
    return sorting.indices


class _Sorting:
    def __init__(self, length: int, less: Callable[[int, int], bool]) -> None:
        self.indices = list(range(length))
        self._compare = less

    def _less(self, left: int, right: int) -> bool:
        return self._compare(self.indices[left], self.indices[right])

    def _swap(self, left: int, right: int) -> None:
        self.indices[left], self.indices[right] = self.indices[right], self.indices[left]

    def sort(self, start: int, end: int, limit: int) -> None:
        balanced = partitioned = True
        while True:
            length = end - start
            if length <= _INSERTION_LENGTH:
                self._insert(start, end)
                return
            if limit == 0:
                self._heap(start, end)
                return
            if not balanced:
                self._break_patterns(start, end)
                limit -= 1
            pivot, swaps = self._pivot(start, end)
            if swaps == _MOST_SWAPS:  # descending
                self.indices[start:end] = self.indices[start:end][::-1]
                pivot = end - 1 - (pivot - start)
                swaps = 0
            if balanced and partitioned and swaps == 0 and self._nearly_sorted(start, end):
                return
            if start > 0 and not self._less(start - 1, pivot):
                start = self._partition_equal(start, end, pivot)
                continue
            middle, partitioned = self._partition(start, end, pivot)
            left, right = middle - start, end - middle
            balanced = min(left, right) >= length // 8
            if left < right:
                self.sort(start, middle, limit)
                start = middle + 1
            else:
                self.sort(middle + 1, end, limit)
                end = middle

    def _insert(self, start: int, end: int) -> None:
        for place in range(start + 1, end):
            while place > start and self._less(place, place - 1):
                self._swap(place, place - 1)
                place -= 1

    def _heap(self, start: int, end: int) -> None:
        length = end - start
        for root in range((length - 1) // 2, -1, -1):
            self._sift(root, length, start)
        for last in range(length - 1, -1, -1):
            self._swap(start, start + last)
            self._sift(0, last, start)

    def _sift(self, root: int, length: int, first: int) -> None:
        while (child := 2 * root + 1) < length:
            if child + 1 < length and self._less(first + child, first + child + 1):
                child += 1
            if not self._less(first + root, first + child):
                return
            self._swap(first + root, first + child)
            root = child

    def _partition(self, start: int, end: int, pivot: int) -> tuple[int, bool]:
        """Where the pivot ends up, and whether nothing had to be moved for that."""
        self._swap(start, pivot)
        low, high = start + 1, end - 1
        moved = False
        while True:
            while low <= high and self._less(low, start):
                low += 1
            while low <= high and not self._less(high, start):
                high -= 1
            if low > high:
                break
            self._swap(low, high)
            low, high, moved = low + 1, high - 1, True
        self._swap(high, start)
        return high, not moved

    def _partition_equal(self, start: int, end: int, pivot: int) -> int:
        """Where the elements begin that are greater than the pivot; none is less."""
        self._swap(start, pivot)
        low, high = start + 1, end - 1
        while True:
            while low <= high and not self._less(start, low):
                low += 1
            while low <= high and self._less(start, high):
                high -= 1
            if low > high:
                return low
            self._swap(low, high)
            low, high = low + 1, high - 1

    def _nearly_sorted(self, start: int, end: int) -> bool:
        place = start + 1
        for _ in range(_SHIFTS):
            while place < end and not self._less(place, place - 1):
                place += 1
            if place == end:
                return True
            if end - start < _SHIFTING_LENGTH:
                return False
            self._swap(place, place - 1)
            if place - start >= 2:
                self._shift(range(place - 1, 0, -1))
            if end - place >= 2:
                self._shift(range(place + 1, end))
        return False

    def _shift(self, places: range) -> None:
        for place in places:
            if not self._less(place, place - 1):
                return
            self._swap(place, place - 1)

    def _break_patterns(self, start: int, end: int) -> None:
        length = end - start
        mask = (1 << length.bit_length()) - 1
        state = length
        middle = start + length // 4 * 2
        for place in (middle - 1, middle, middle + 1):
            state ^= state << 13 & 0xFFFFFFFFFFFFFFFF
            state ^= state >> 7
            state ^= state << 17 & 0xFFFFFFFFFFFFFFFF
            other = state & mask
            self._swap(place, start + (other - length if other >= length else other))

    def _pivot(self, start: int, end: int) -> tuple[int, int]:
        """A place for the pivot, and how many swaps it took to find it: none for a sorted range, twelve for a descending one."""
        length = end - start
        places = [start + length // 4 * part for part in (1, 2, 3)]
        swaps = 0
        if length >= _NINTHER_LENGTH:
            for index, place in enumerate(places):
                places[index], more = self._median(place - 1, place, place + 1)
                swaps += more
        pivot, more = self._median(*places)
        return pivot, swaps + more

    def _median(self, first: int, second: int, third: int) -> tuple[int, int]:
        swaps = 0
        if self._less(second, first):
            first, second, swaps = second, first, swaps + 1
        if self._less(third, second):
            second, third, swaps = third, second, swaps + 1
        if self._less(second, first):
            first, second, swaps = second, first, swaps + 1
        return second, swaps
