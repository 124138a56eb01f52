"""The pure core: facts + contract + instant → statement. No I/O, no clock, no float."""
