"""`python -m bench`: measures the app and its peers. `make bench` and `make soak` call it."""

import sys

import click

from bench import measure, page, results, soak
from infra.errors import EXPECTED, error_message

# An odd number, so that the median is a reading.
ROUNDS = 15


@click.group(invoke_without_command=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Compare cold starts and requests, and write bench/results.json and docs/performance.md."""
    if context.invoked_subcommand is None:
        found = results.run(ROUNDS, measure.REQUESTS)
        results.write(found)
        page.write()
        print(f"bench/results.json, docs/performance.md and its chart: {found.seconds:.0f} s")


@cli.command("soak")
def soak_memory() -> None:
    """Send 200,000 requests to one environment, and write its memory to docs/performance.md."""
    found = soak.run()
    soak.write(found)
    page.write()
    growth = f"{found.growth:+.2f} MB since the first {soak.SETTLED:,}"
    print(f"{found.requests:,} requests: {growth}.")


def main() -> int:
    """Run a command. Returns the exit status."""
    try:
        cli(prog_name="python -m bench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
    except click.Abort:
        print("Interrupted. Run the same command again.", file=sys.stderr)
    except EXPECTED as error:
        print(error_message(error), file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
