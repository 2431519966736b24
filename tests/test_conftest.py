"""The guards every test relies on do guard."""

import random
import socket

import pytest

from tests.builders import drawn


def test_other_machines_are_out_of_reach() -> None:
    with socket.socket() as outside, pytest.raises(Exception, match="tried to reach"):
        outside.connect(("192.0.2.1", 9))
    with pytest.raises(Exception, match="tried to look up"):
        socket.getaddrinfo("example.org", 80)


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"x")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1) == b"x"


@pytest.mark.parametrize(("dear", "one_in"), [(False, drawn.ONE_IN), (True, drawn.DEAR_ONE_IN)])
def test_commits_draw_their_share_and_leave_no_file_out_for_long(dear: bool, one_in: int) -> None:
    files, commits = [f"tests/test_{number}.py" for number in range(100)], [f"{number:040x}" for number in range(60)]
    taken = [{file for file in files if drawn.is_drawn(file, commit, dear=dear)} for commit in commits]
    assert set.union(*taken) == set(files)
    assert 0.8 < one_in * sum(map(len, taken)) / (len(files) * len(commits)) < 1.2
    assert all(drawn.is_drawn(file, drawn.ALL, dear=dear) for file in files)


def test_of_every_test_a_case_is_drawn_and_each_in_its_turn() -> None:
    commits = [f"{number:040x}" for number in range(60)]
    for count in (1, 3, 5, 20):
        cases = [f"tests/test_it.py::test_it[{number}]" for number in range(count)]
        taken = [drawn.drawn_cases(cases, commit) for commit in commits]
        assert set.union(*taken) == set(cases)
        assert {len(one) for one in taken} == {-(-count // drawn.ONE_IN)}
        assert drawn.drawn_cases(cases, drawn.ALL) == set(cases)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["tests"], False), (["tests/paper", "tests/live"], False), (["tests/test_cli.py"], True),
        (["tests", "tests/test_cli.py::test_it"], True),
    ],
)
def test_what_is_named_is_not_drawn(arguments: list[str], named: bool) -> None:
    assert drawn.are_named(arguments) is named


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("seed", range(20))
def test_each_worker_begins_with_its_part_of_what_takes_long(workers: int, seed: int) -> None:
    chance = random.Random(seed)
    costly = [[f"{file}:{number}" for number in range(chance.randint(1, 9))] for file in range(chance.randint(0, 12))]
    others = [str(number) for number in range(chance.randint(0, 300))]
    found = drawn.dealt(costly, others, workers)
    assert sorted(found) == sorted([*others, *(one for file in costly for one in file)])
    for file in costly:
        first = found.index(file[0])
        assert found[first : first + len(file)] == file, "in one piece"
    if len(others) < 200:
        return
    begun, counts = 0, []
    for left in range(workers, 0, -1):  # as the runner hands them out
        share = (len(found) - begun) // left
        part = found[begun : begun + share]
        begun += share
        long_ones = [one for one in part if ":" in one]
        assert part[: len(long_ones)] == long_ones
        counts.append(len(long_ones))
    assert max(counts) - min(counts) <= 9
