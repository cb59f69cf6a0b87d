"""`python -m service` is `suyuan`."""

from service.cli import main

main()
