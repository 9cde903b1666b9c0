"""The pictures of the pages on classical-quantum oscillators: `python docs/make_classical_quantum_oscillators.py`. They
are those of `brackish reproduce cq-oscillators`.
"""

from make_gallery import keep

import brackish as bk

if __name__ == "__main__":
    for figure in bk.reproduce.classical_quantum_oscillators():
        keep(figure.figure, f"classical_quantum_{figure.name}")
        print(figure.caption)
