"""What is drawn on the axes of a figure."""


def heights(axis, container=0):
    return [bar.get_height() for bar in axis.containers[container]]


def widths(axis):
    """Widths of all horizontal bars, by the bars' row from the top."""
    rows = {}
    for bar in (bar for container in axis.containers for bar in container):
        rows.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(bar.get_width())
    return rows


def texts(axis):
    return [text.get_text() for text in axis.texts]


def cell_texts(axis):
    """The numbers written into a table of coloured cells, by (row, column)."""
    return {(text.get_position()[1], text.get_position()[0]): text.get_text()
            for text in axis.texts}  # fmt: skip
