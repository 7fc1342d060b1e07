"""What a run was made with is recorded, or it is said why not."""

import pytest

from ae_jax.runs.environment import code_version


@pytest.fixture
def version(monkeypatch):
    """`code_version` as if it were asked for the first time."""
    return code_version.__wrapped__


def test_the_commit_of_another_users_checkout_is_recorded(version, monkeypatch):
    if version()["git_commit"] is None:
        pytest.skip("no checkout")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own way to try it
    assert len(version()["git_commit"]) == 40


def test_it_is_said_why_there_is_no_commit(version, monkeypatch, caplog):
    if version()["git_commit"] is None:
        pytest.skip("no checkout")
    monkeypatch.setenv("PATH", "/nowhere")
    assert version() == {"git_commit": None, "git_changed": None}
    assert "the commit of the code is not recorded, as git cannot tell it (" in caplog.text
