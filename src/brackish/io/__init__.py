"""Datasets: how they are named, stored and read back."""

from brackish.io.netcdf import read_netcdf, write_netcdf
from brackish.io.ovf import read_ovf, write_ovf
from brackish.io.schema import build_dataset
from brackish.io.zarr import read_checkpoint, read_store, require_whole, store_exists, write_store, writer_of

__all__ = [
    "build_dataset",
    "read_checkpoint",
    "read_netcdf",
    "read_ovf",
    "read_store",
    "require_whole",
    "store_exists",
    "write_netcdf",
    "write_ovf",
    "write_store",
    "writer_of",
]
