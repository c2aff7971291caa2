"""Pledge-rate models behind one protocol: ours and the challengers it is measured against."""
