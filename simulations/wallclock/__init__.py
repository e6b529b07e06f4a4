"""What the experiment ``wallclock`` is made of: workloads, things to time, and the clock."""
