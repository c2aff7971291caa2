"""What the logistics room does: catalogue, stock acts, holds, locks."""
