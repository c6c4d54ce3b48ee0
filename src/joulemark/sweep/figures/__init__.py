"""The figures of a sweep as one page of HTML that opens offline; Plotly draws them, and nothing is fetched."""
