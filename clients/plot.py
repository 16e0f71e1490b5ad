"""Draws what `emulsion plot` has computed. It is part of that program, which runs it with one JSON document on standard input.

The numbers come ready: points, labels, ellipses and curves. Here they only get a look. plot_document.h describes the document.

Exit codes: 69 matplotlib is not there, 73 a picture cannot be written; anything else but 0 is a fault in here.
"""

import sys

sys.path = [entry for entry in sys.path if entry]  # nothing from the directory in which the user happens to be

import json
import math
import os

try:
    import matplotlib
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Ellipse, Patch
    from matplotlib.patheffects import withStroke
    from matplotlib.ticker import MaxNLocator
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(69)

# Okabe & Ito (2008), Color universal design, without its yellow, which is too faint for points on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
LINES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))

INK = "#222222"
GREY = "#8A8A8A"
PALE = "#DADADA"
SIGMA_LINES = {1: dict(linestyle="-", linewidth=1.6), 2: dict(linestyle=(0, (4, 2)), linewidth=1.2)}
PAPER = dict(facecolor="white", edgecolor="none", alpha=0.8, pad=1.5)  # behind a text, so that it can be read

LOOK = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "axes.labelsize": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.use_mathtext": True,
    "axes.formatter.limits": (-4, 5),
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.title_fontsize": 9,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "emulsion",  # the same document, the same bytes
    "pdf.fonttype": 42,
}


def colour(style):
    return GREY if style is None else COLOURS[style % len(COLOURS)]


def dark(style):
    """A darker shade, for lines over points of the same colour."""
    return tuple(0.7 * part for part in to_rgb(colour(style)))


def ink_on(style):
    """Black or white, whichever can be read on the colour."""
    red, green, blue = to_rgb(colour(style))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.56 else "black"


def halo(width):
    return [withStroke(linewidth=width, foreground="white")]


def marker(style):
    return "x" if style is None else MARKERS[style // len(COLOURS) % len(MARKERS)]


def line(style):
    return ":" if style is None else LINES[style // len(COLOURS) % len(LINES)]


def plain(text):
    """The text as it is: matplotlib would read formulas between dollar signs."""
    return text.replace("\\", "\\\\").replace("$", r"\$") if "$" in text else text


def without_gaps(*columns):
    """The rows in which no column has None."""
    rows = [row for row in zip(*columns) if None not in row]
    return list(zip(*rows)) if rows else [()] * len(columns)


def point_look(count):
    """Size and opacity: many points are small and let each other shine through."""
    size = min(26.0, max(5.0, 26.0 - 7.0 * math.log10(max(count, 100) / 100)))
    return dict(s=size, alpha=min(0.8, max(0.25, 0.8 - 0.28 * math.log10(max(count, 200) / 200))))


def scatter(axes, xs, ys, group_of_point, styles):
    """Points in the colours of their groups; group -1 is none of them."""
    look = point_look(len(xs))
    for group in sorted(set(group_of_point)):
        x, y = without_gaps(*([v for v, g in zip(values, group_of_point) if g == group] for values in (xs, ys)))
        style = styles[group] if group >= 0 else None
        if style is None:
            axes.scatter(x, y, s=0.8 * look["s"], marker="x" if group >= 0 else ".", color=GREY, alpha=0.8, linewidths=0.8, zorder=1)
        else:
            axes.scatter(x, y, marker=marker(style), color=colour(style), linewidths=0, zorder=2, **look)


def mark(axes, place, component, count, small):
    """A component's place: a disc with its id, or in a small panel just a point. Many discs are smaller ones."""
    style = component["style"]
    if small:
        axes.plot(*place, marker="o", markersize=5.5, markerfacecolor=colour(style), markeredgecolor=INK, markeredgewidth=0.9, linestyle="none", zorder=6)
        return
    size = 14 if count <= 8 else 11
    axes.plot(*place, marker="o", markersize=size, markerfacecolor=colour(style), markeredgecolor="white", markeredgewidth=1.3, linestyle="none", zorder=6)
    axes.annotate(str(component["id"]), place, (0, -0.4), textcoords="offset points", ha="center", va="center", color=ink_on(style),
                  fontsize=(9 if component["id"] < 100 else 6.5) * size / 14, fontweight="bold", zorder=7, annotation_clip=True)


def draw_components(axes, picture, i, j, small=False):
    """Ellipses at 1 and 2 sigma, means and directions, over the axes i (across) and j (up)."""
    scale = 0.75 if small else 1.0
    for component in picture["components"]:
        ink = dark(component["style"])
        for ellipse in component["ellipses"]:
            if ellipse["axes"] != [i, j]:
                continue
            for sigma, look in SIGMA_LINES.items():
                width, height = (2 * sigma * half for half in ellipse["half_axes"])
                look = dict(look, linewidth=scale * look["linewidth"])
                patch = Ellipse(ellipse["centre"], width, height, angle=ellipse["degrees"], fill=False, edgecolor=ink, zorder=4,
                                path_effects=halo(look["linewidth"] + 1.6 * scale), **look)
                patch.set_gid(f"ellipse-{component['id']}-{sigma}-sigma-{i}-{j}")
                axes.add_patch(patch)
            mark(axes, ellipse["centre"], component, len(picture["components"]), small)
        if component["direction"]:
            tip = component["direction"]
            arrow = axes.annotate("", tip, (0, 0), zorder=5, arrowprops=dict(arrowstyle="-|>", color=ink, linewidth=2, shrinkA=0, shrinkB=0,
                                                                              mutation_scale=16))
            arrow.set_gid(f"direction-{component['id']}")
            mark(axes, [0.6 * part for part in tip], component, len(picture["components"]), small)


def draw_bars(axes, histogram, ink, bottom=None):
    """Bars of a histogram; on top of others where those end at `bottom`. Returns where these end."""
    bottom = bottom or [0] * len(histogram["heights"])
    tops = [low + height for low, height in zip(bottom, histogram["heights"])]
    if histogram["discrete"]:
        axes.bar(histogram["values"], histogram["heights"], bottom=bottom, width=0.8 * histogram["step"], color=ink, zorder=1)
    else:
        axes.stairs(tops, histogram["edges"], baseline=bottom, fill=True, color=ink, linewidth=0, zorder=1)
    return tops


def without_flat_ends(ys, top):
    """A curve that is not drawn where it runs along the axis."""
    low = [y < 0.001 * top for y in ys]
    return [math.nan if all(low[max(0, i - 1) : i + 2]) else y for i, y in enumerate(ys)]


def without_low_stems(curve, top):
    """Where a discrete density is to be seen."""
    rows = [(x, y) for x, y in zip(curve["x"], curve["y"]) if y >= 0.001 * top]
    return zip(*rows) if rows else ((), ())


def stem_size(curve, most):
    """So that the heads of many stems do not run into each other."""
    return max(1.5, min(most, most * 30 / max(1, len(curve["x"]))))


def draw_density(axes, document, picture, i, small=False):
    """Histogram of all points, the components' curves and their sum along axis i."""
    scale = 0.75 if small else 1.0
    histogram = document["histograms"][i]
    if histogram:
        draw_bars(axes, histogram, PALE)
    top = document["tops"][i]
    for component in picture["components"]:
        curve = component["curves"][i]
        style = component["style"]
        if curve["discrete"]:
            xs, ys = without_low_stems(curve, top)
            axes.vlines(xs, 0, ys, color=colour(style), linewidth=1.2 * scale, alpha=0.5, zorder=3)
            drawn, = axes.plot(xs, ys, marker=marker(style), markersize=stem_size(curve, 4.5 * scale), color=colour(style), linestyle="none", zorder=4)
        else:
            ys = without_flat_ends(curve["y"], top)
            drawn, = axes.plot(curve["x"], ys, color=colour(style), linestyle=line(style), linewidth=2 * scale, zorder=3)
        drawn.set_gid(f"curve-{component['id']}-{i}")
    total = picture["totals"][i]
    if total and len(picture["components"]) > 1:
        if total["discrete"]:
            xs, ys = without_low_stems(total, top)
            drawn, = axes.plot(xs, ys, marker="_", markersize=stem_size(total, 9 * scale), linestyle="none", color=INK, zorder=5)
        else:
            ys = without_flat_ends(total["y"], top)
            drawn, = axes.plot(total["x"], ys, color=INK, linestyle=(0, (3, 1.5)), linewidth=1.4 * scale, zorder=2)
        drawn.set_gid(f"total-{i}")
    axes.set_xlim(document["ranges"][i])
    if document["tops"][i]:
        axes.set_ylim(0, document["tops"][i])


def draw_truth_histogram(axes, document, i):
    bottom = None
    for group, histogram in zip(document["truth"]["groups"], document["truth"]["histograms"][i]):
        bottom = draw_bars(axes, histogram, colour(group["style"]), bottom)
    axes.set_xlim(document["ranges"][i])
    if document["tops"][i]:
        axes.set_ylim(0, document["tops"][i])


def component_entries(picture, form):
    """Handles and texts of a legend; the form is that of its keys: points, lines or stems."""
    families = {component["family"] for component in picture["components"]}
    handles, texts = [], []
    for component in picture["components"]:
        style = component["style"]
        if form == "lines":
            handles.append(Line2D([], [], color=colour(style), linestyle=line(style), linewidth=2))
        elif form == "stems":
            handles.append(Line2D([], [], color=colour(style), marker=marker(style), markersize=5, linewidth=1.2))
        else:
            handles.append(Line2D([], [], color=colour(style), marker=marker(style), markersize=6, linestyle="none", markeredgewidth=1))
        weight = f"{component['weight']:.3f}"
        text = f"{component['id']}   {weight if weight != '0.000' else '<0.001'}"
        if component["style"] is None:
            text += "   noise"
        elif len(families) > 1:
            text += "   " + plain(component["family"])
        texts.append(text)
    return handles, texts


def add_legend(axes, document, picture, form, where="", **place):
    handles, texts = component_entries(picture, form)
    title = "component, weight" + where
    if form in ("lines", "stems"):
        if len(handles) > 1 and any(picture["totals"]):
            look = dict(marker="_", markersize=9, linestyle="none") if form == "stems" else dict(linestyle=(0, (3, 1.5)), linewidth=1.2)
            handles.append(Line2D([], [], color=INK, **look))
            texts.append("mixture")
        if any(document["histograms"]):
            handles.append(Patch(color=PALE))
            texts.append("points")
    else:
        if -1 in picture["of_point"]:
            handles.append(Line2D([], [], color=GREY, marker=".", markersize=6, linestyle="none"))
            texts.append("of no component")
        if any(component["ellipses"] for component in picture["components"]):
            for sigma, look in SIGMA_LINES.items():
                handles.append(Line2D([], [], color=INK, **look))
                texts.append(f"{sigma} σ")
    if document["note"]:
        handles.append(Line2D([], [], linestyle="none"))
        texts.append("")
        handles.append(Line2D([], [], linestyle="none"))
        texts.append(document["note"])
    legend = axes.legend(handles, texts, title=title, alignment="left", **place)
    if document["note"]:
        legend.get_texts()[-1].set(color=GREY, fontsize=8)
    return legend


def add_truth_legend(axes, document, where="", form="points", **place):
    truth = document["truth"]
    if form == "bars":
        handles = [Patch(color=colour(group["style"])) for group in truth["groups"]]
    else:
        key = dict(markersize=6, linestyle="none")
        handles = [Line2D([], [], color=colour(group["style"]), marker=marker(group["style"]), **key) for group in truth["groups"]]
    return axes.legend(handles, [plain(group["name"]) for group in truth["groups"]], title=plain(truth["name"]) + where, alignment="left", **place)


OUTSIDE = dict(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)


def new_figure(document, width, height):
    return Figure(figsize=(document["width"] or width, document["height"] or height), dpi=document["dpi"], layout="constrained")


def name_axes(axes, document, i, j):
    axes.set_xlabel(plain(document["axes"][i]))
    axes.set_ylabel(plain(document["axes"][j]))


def scatter_figure(document, picture):
    truth = document["truth"]
    figure = new_figure(document, 11.5 if truth else 7.2, 4.8)
    panels = figure.subplots(1, 2 if truth else 1, squeeze=False)[0]
    styles = [component["style"] for component in picture["components"]]
    for panel in panels:
        name_axes(panel, document, 0, 1)
        panel.set_xlim(document["ranges"][0])
        panel.set_ylim(document["ranges"][1])
        if any(component["direction"] for component in picture["components"]):
            panel.set_aspect("equal")
    scatter(panels[0], *document["points"], picture["of_point"], styles)
    draw_components(panels[0], picture, 0, 1)
    add_legend(panels[0], document, picture, "points", **OUTSIDE)
    panels[0].set_title(plain(picture["title"]))
    if truth:
        scatter(panels[1], *document["points"], truth["of_point"], [group["style"] for group in truth["groups"]])
        add_truth_legend(panels[1], document, **OUTSIDE)
    return figure


def density_figure(document, picture):
    truth = document["truth"]
    figure = new_figure(document, 11.5 if truth else 7.2, 4.4)
    panels = figure.subplots(1, 2 if truth else 1, squeeze=False)[0]
    draw_density(panels[0], document, picture, 0)
    add_legend(panels[0], document, picture, "stems" if document["discrete"][0] else "lines", **OUTSIDE)
    panels[0].set_title(plain(picture["title"]))
    if truth:
        draw_truth_histogram(panels[1], document, 0)
        add_truth_legend(panels[1], document, form="bars", **OUTSIDE)
    for panel in panels:
        panel.set_xlabel(plain(document["axes"][0]))
        panel.set_ylabel("probability" if document["discrete"][0] else "density")
        if document["discrete"][0]:
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def pairs_figure(document, picture):
    """Densities on the diagonal, scatters below it; above it the true labels, where there are some."""
    truth = document["truth"]
    count = len(document["axes"])
    side = max(1.5, min(2.4, 12.0 / count))
    figure = new_figure(document, side * count + (1.8 if truth else 0.6), side * count + 0.4)
    panels = figure.subplots(count, count, squeeze=False)
    styles = [component["style"] for component in picture["components"]]
    for row in range(count):
        for column in range(count):
            panel = panels[row][column]
            if row == column:
                draw_density(panel, document, picture, row, small=True)
                panel.set_yticks([])
                panel.spines["left"].set_visible(False)
            elif row < column and not truth:
                panel.set_visible(False)
                panel.set_in_layout(False)
                continue
            else:
                panel.set_xlim(document["ranges"][column])
                panel.set_ylim(document["ranges"][row])
                xs, ys = document["points"][column], document["points"][row]
                if row > column:
                    scatter(panel, xs, ys, picture["of_point"], styles)
                    draw_components(panel, picture, column, row, small=True)
                else:
                    scatter(panel, xs, ys, truth["of_point"], [group["style"] for group in truth["groups"]])
            panel.xaxis.set_major_locator(MaxNLocator(4))
            if row != column:
                panel.yaxis.set_major_locator(MaxNLocator(4))
            panel.tick_params(labelsize=8, labelbottom=row == count - 1, labelleft=column == 0 and row > 0)
            panel.xaxis.offsetText.set_fontsize(7)
            if row == count - 1:
                panel.set_xlabel(plain(document["axes"][column]))
            if column == 0:
                panel.set_ylabel(plain(document["axes"][row]))
    if truth:
        add_legend(panels[0][-1], document, picture, "points", "\n(below the diagonal)", **OUTSIDE)
        add_truth_legend(panels[1][-1], document, "\n(above the diagonal)", **OUTSIDE)
    else:
        legend = add_legend(panels[0][0], document, picture, "points", loc="upper left", bbox_to_anchor=(1.1, 1.0), borderaxespad=0)
        legend.set_in_layout(False)
    figure.align_labels()
    if picture["title"]:
        panels[0][0].set_title(plain(picture["title"]))
    return figure


def log_likelihood_figure(document, picture):
    figure = new_figure(document, 6.4, 4.2)
    axes = figure.subplots()
    xs, ys = without_gaps(picture["x"], picture["y"])
    drawn, = axes.plot(xs, ys, color=COLOURS[0], linewidth=2, marker="o" if len(xs) <= 40 else None, markersize=4, zorder=3)
    drawn.set_gid("log-likelihood")
    axes.set_xlabel(picture["x_label"])
    axes.set_ylabel("mean log likelihood (nats per point)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.margins(x=0.02, y=0.1)
    if xs:
        axes.plot(xs[-1:], ys[-1:], color=COLOURS[1], marker="o", markersize=7, linestyle="none", zorder=4)
        axes.annotate(picture["final"], (xs[-1], ys[-1]), (0, -14), textcoords="offset points", ha="right", va="top", color=COLOURS[1],
                      fontweight="bold", bbox=PAPER, zorder=5)
    # A first guess far below everything else would flatten the rest into a line: it is told, not shown.
    span = max(ys[1:]) - min(ys[1:]) if len(ys) > 4 else 0
    if span > 0 and min(ys[1:]) - ys[0] > 4 * span:
        axes.set_ylim(min(ys[1:]) - 0.3 * span, max(ys[1:]) + 0.1 * span)
        axes.annotate(f"{picture['first']} at {xs[0]:,}", (xs[1], 0), (8, 8), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
                      color=GREY, fontsize=9, bbox=PAPER)
    axes.set_title(plain(picture["title"]))
    return figure


FIGURES = {"scatter": scatter_figure, "density": density_figure, "pairs": pairs_figure, "log-likelihood": log_likelihood_figure}


def save(figure, path, dpi):
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    figure.savefig(path, dpi=dpi, facecolor="white", metadata=dates.get(os.path.splitext(path)[1].lower()))


def main():
    document = json.load(sys.stdin)
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(LOOK)
    for picture in document["pictures"]:
        try:
            save(FIGURES[picture["kind"]](document, picture), picture["path"], document["dpi"])
        except OSError as error:
            print(f"{picture['path']}: {error.strerror or error}", file=sys.stderr)
            sys.exit(73)


main()
