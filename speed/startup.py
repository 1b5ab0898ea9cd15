"""Start-up, in seconds: `--help` and `list` must not load torch.

Run: python -m speed.startup
Claim: under half a second each on two cores, `torch` not in `sys.modules`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

VERBS = (
    ["--help"],
    ["run", "--help"],
    ["list", "suites"],
    ["list", "datasets"],
    ["list", "backbones"],
    ["show", "nyuv2"],
)
HEAVY = ("torch", "lightning", "timm", "torchvision", "albumentations", "torchmetrics")


def loaded(arguments: list[str]) -> list[str]:
    """Return the heavy modules that a verb loads."""
    code = (
        "import sys\nfrom mim_bench import cli\n"
        f"sys.argv = ['mim-bench', *{arguments!r}]\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return eval(done.stderr.strip().splitlines()[-1])


def main() -> None:
    for arguments in VERBS:
        seconds = []
        for _ in range(6):
            started = time.perf_counter()
            command = [sys.executable, "-m", "mim_bench", *arguments]
            subprocess.run(command, capture_output=True, check=True)
            seconds.append(time.perf_counter() - started)
        text = " ".join(arguments)
        median = statistics.median(seconds[1:])
        print(f"{text:20} median {median:.2f} s, heavy modules: {loaded(arguments) or 'none'}")


if __name__ == "__main__":
    main()
