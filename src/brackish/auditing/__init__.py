"""Five consistency properties of quantum-classical theories, each put to the test by runs of the theory itself."""

from brackish.auditing.finding import Finding, Measurement
from brackish.auditing.report import Audit, audit, audit_table

__all__ = ["Audit", "Finding", "Measurement", "audit", "audit_table"]
