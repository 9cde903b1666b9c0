"""The pictures of the page on quantum LLG: `python docs/make_quantum_llg.py`. They are those of
`brackish reproduce quantum-llg`.
"""

from make_gallery import keep

import brackish as bk

if __name__ == "__main__":
    for figure in bk.reproduce.quantum_llg():
        keep(figure.figure, f"quantum_llg_{figure.name}")
        print(figure.caption)
