"""Samples in send order → outcome runs, minute records, delay distributions. Pure: everything here adds up."""
