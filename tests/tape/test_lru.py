"""What is kept: that which was used last, so much of it, whichever threads use it."""

from __future__ import annotations

import threading

from jitgrad.tape.lru import Recent


def test_what_was_not_used_for_longest_is_dropped() -> None:
    kept: Recent[str] = Recent(3)
    for key in "abc":
        kept.put(key, key)
    assert kept.get("a") == "a"
    kept.put("d", "d")
    assert [kept.get(key) for key in "abcd"] == ["a", None, "c", "d"]
    kept.put("a", "other")
    assert kept.get("a") == "other" and len(kept) == 3
    kept.clear()
    assert len(kept) == 0 and kept.get("a") is None


def test_values_are_kept_up_to_their_weight_and_one_however_heavy() -> None:
    kept: Recent[int] = Recent(100, heaviest=10, weight=lambda value: value)
    for value in (4, 3, 3):
        kept.put(value, value)
    assert kept.get(4) == 4
    kept.put(5, 5)
    assert (kept.get(3), kept.get(4), kept.get(5)) == (None, 4, 5)
    kept.put(50, 50)
    assert len(kept) == 1 and kept.get(50) == 50


def test_threads_share_it() -> None:
    kept: Recent[int] = Recent(20)
    wrong: list[object] = []

    def use(seed: int) -> None:
        try:
            for n in range(5000):
                key = (n * 7 + seed) % 40
                if kept.get(key) not in (None, key):
                    wrong.append(key)
                kept.put(key, key)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and len(kept) == 20
