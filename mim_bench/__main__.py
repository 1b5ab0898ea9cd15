"""`python -m mim_bench` is `mim-bench`."""

from mim_bench.cli import main

if __name__ == "__main__":
    main()
