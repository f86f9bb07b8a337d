"""
The fixtures of `cftokens.testing`, in small projects of their own.
"""

import os
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ASYNC_TEST = """
async def test(cloudflare_emulator, cloudflare_async_client):
    created = await cloudflare_async_client.accounts.tokens.create(name="ci", policies=[])
    assert (await cloudflare_async_client.accounts.tokens.get(created.id)).name == "ci"
    assert [request.operation for request in cloudflare_emulator.requests] == ["create", "get"]
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """
    Make a project that uses the fixtures.
    """
    monkeypatch.delitem(sys.modules, "cftokens.testing", raising=False)
    pytester.makeini("[pytest]")  # nox has temporary directories below this repository, whose settings count
    pytester.makeconftest('pytest_plugins = ["cftokens.testing"]')
    return pytester


def asyncio_options(mode: str = "auto", scope: str = "function") -> tuple[str, ...]:
    """
    Return the settings of pytest-asyncio.
    """
    return ("-o", f"asyncio_mode={mode}", "-o", f"asyncio_default_fixture_loop_scope={scope}")


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """
    Run the tests of a project, with warnings as errors.
    """
    return project.runpytest_inprocess(
        "-W", "error", "-p", "no:cacheprovider", *(options or asyncio_options())
    )


def test_each_test_has_an_emulator_of_its_own(project: pytest.Pytester) -> None:
    """
    The blocking client uses the test's emulator, and the next test sees no token of it.
    """
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test(cloudflare_emulator, cloudflare_client, number):
            cloudflare_client.accounts.tokens.create(name="ci", policies=[])
            assert len(list(cloudflare_client.accounts.tokens.list())) == 2
            assert cloudflare_emulator.requests[0].operation == "create"
        """
    )

    run(project).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("mode", "mark", "scope"),
    [
        ("auto", "", "function"),
        ("strict", "@pytest.mark.asyncio", "function"),
        ("strict", "@pytest.mark.asyncio(loop_scope='session')", "session"),
    ],
)
def test_an_async_client_in_either_mode(project: pytest.Pytester, mode: str, mark: str, scope: str) -> None:
    """
    The async client works in pytest-asyncio's auto mode, in strict mode, and on a loop that tests share.
    """
    project.makepyfile(f"import pytest\n\n{mark}{ASYNC_TEST}")

    run(project, *asyncio_options(mode, scope)).assert_outcomes(passed=1)


def test_without_pytest_asyncio(project: pytest.Pytester) -> None:
    """
    The other fixtures work without it, and the one for an async client says what it needs.
    """
    project.makeconftest(
        """
        import sys

        sys.modules["pytest_asyncio"] = None
        pytest_plugins = ["cftokens.testing"]
        """
    )
    project.makepyfile(
        """
        def test_blocking(cloudflare_client, cloudflare_environment):
            assert cloudflare_client.accounts.tokens.verify().status == "active"

        def test_async(cloudflare_async_client):
            pass
        """
    )
    result = run(project, "-p", "no:asyncio")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["cloudflare_async_client needs pytest-asyncio: pip install pytest-asyncio"])


def test_the_environment_leads_every_client_to_the_emulator(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Code that makes its own clients reaches the emulator, whatever the environment said before.
    """
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "production")
    project.makepyfile(
        """
        import os
        import cftokens
        import cftokens.sync

        def test_blocking(cloudflare_emulator, cloudflare_environment):
            with cftokens.sync.Client() as client:
                assert client.accounts.tokens.verify().status == "active"
            assert len(cloudflare_emulator.requests) == 1
            assert {**os.environ, **cloudflare_environment} == dict(os.environ)

        async def test_async(cloudflare_emulator, cloudflare_environment):
            async with cftokens.Client() as client:
                await client.accounts.tokens.verify()
            assert len(cloudflare_emulator.requests) == 1
        """
    )

    run(project).assert_outcomes(passed=2)
    assert os.environ["CLOUDFLARE_API_TOKEN"] == "production"
    assert "CLOUDFLARE_BASE_URL" not in os.environ


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1"),
        ({"NO_PROXY": "internal.example"}, "internal.example,127.0.0.1"),
        ({"NO_PROXY": "internal.example", "no_proxy": "lower.example"}, "lower.example,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_no_proxy_comes_in_between(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, before: dict[str, str], after: str
) -> None:
    """
    The emulator is exempt from proxies, and so is what was exempt before.
    """
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    project.makepyfile(
        f"""
        import os
        from urllib.request import proxy_bypass_environment

        def test(cloudflare_environment):
            assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == {after!r}
            assert proxy_bypass_environment("127.0.0.1:1234")
        """
    )

    run(project).assert_outcomes(passed=1)


def test_the_fixtures_are_documented(project: pytest.Pytester) -> None:
    """
    ``pytest --fixtures`` lists each fixture with its sentence.
    """
    shown = run(project, *asyncio_options(), "--fixtures").stdout.str()

    for name, sentence in {
        "cloudflare_emulator": "Serve a new emulator",
        "cloudflare_client": "Open a blocking client",
        "cloudflare_async_client": "Open an async client",
        "cloudflare_environment": "Set the environment variables",
    }.items():
        assert sentence in shown.partition(f"\n{name} ")[2].split("\n\n")[0]


def test_without_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without pytest the import fails and says what to install.
    """
    monkeypatch.delitem(sys.modules, "cftokens.testing", raising=False)
    monkeypatch.setitem(sys.modules, "pytest", None)

    with pytest.raises(ImportError, match=r"cftokens\.testing needs pytest: pip install pytest"):
        import_module("cftokens.testing")


def test_the_page_about_testing_is_true(project: pytest.Pytester) -> None:
    """
    Its files make up a project whose tests pass.
    """
    page = Path(__file__).parent.parent / "docs/how-to/test-your-code.md"
    files: dict[str, str] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        name = block.partition("\n")[0].removeprefix("# ")
        files[name] = files.get(name, "") + block
    for name, content in files.items():
        project.path.joinpath(name).write_text(content)
    result = run(project, *asyncio_options("strict"))

    result.assert_outcomes(passed=len(re.findall(r"def test_", page.read_text())) + 1)  # one runs twice
