"""`python -m service` is `suyuan`."""

from service.cli import main

if __name__ == "__main__":  # the processes of a check import this file too
    main()
