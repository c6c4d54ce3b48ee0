"""Runs on the nodes of a cluster: Slurm (slurm.py, the door to submitit) and Ray (on_ray.py, the door to ray)."""
