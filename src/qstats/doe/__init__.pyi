"""The public names of the experiments for type checkers and editors."""

from qstats.doe.alias import AliasStructure as AliasStructure
from qstats.doe.alias import alias_structure as alias_structure
from qstats.doe.as_made import from_runs as from_runs
from qstats.doe.blends.door import mixture as mixture
from qstats.doe.design import Design as Design
from qstats.doe.evaluation.compare import DesignComparison as DesignComparison
from qstats.doe.evaluation.compare import compare_designs as compare_designs
from qstats.doe.evaluation.door import evaluate as evaluate
from qstats.doe.evaluation.result import DesignEvaluation as DesignEvaluation
from qstats.doe.evaluation.simulate import SimulatedPower as SimulatedPower
from qstats.doe.evaluation.simulate import simulate_power as simulate_power
from qstats.doe.exchange.door import optimal as optimal
from qstats.doe.factor import Factor as Factor
from qstats.doe.factorial import full_factorial as full_factorial
from qstats.doe.fractions.door import fractional_factorial as fractional_factorial
from qstats.doe.fractions.fold import fold_over as fold_over
from qstats.doe.screening.definitive import definitive_screening as definitive_screening
from qstats.doe.screening.orthogonal_array import orthogonal_array as orthogonal_array
from qstats.doe.screening.plackett_burman import plackett_burman as plackett_burman
from qstats.doe.sheet import RunRecord as RunRecord
from qstats.doe.sheet import read_run_sheet as read_run_sheet
from qstats.doe.sheet import run_sheet as run_sheet
from qstats.doe.space_filling.latin_hypercube import latin_hypercube as latin_hypercube
from qstats.doe.space_filling.sequences import halton as halton
from qstats.doe.space_filling.sequences import sobol as sobol
from qstats.doe.surface_designs.box_behnken import box_behnken as box_behnken
from qstats.doe.surface_designs.central_composite import axial_distance as axial_distance
from qstats.doe.surface_designs.central_composite import central_composite as central_composite
from qstats.doe.whole_plots import split_plot as split_plot

__all__: list[str]
