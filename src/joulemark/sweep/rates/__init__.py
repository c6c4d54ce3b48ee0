"""The highest rate of requests that one engine keeps within its limits: `sweep=serving`."""
