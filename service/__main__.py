"""`python -m service` runs the command line `suyuan`."""

from service.cli import main

if __name__ == "__main__":  # processes started by multiprocessing import this file too
    main()
