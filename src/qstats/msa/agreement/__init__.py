"""Attribute agreement: do people who judge parts agree with themselves, with each other, and with the standard?"""

from qstats.msa.agreement.coefficient import AgreementCoefficient
from qstats.msa.agreement.cohen import cohen_kappa, light_kappa
from qstats.msa.agreement.fleiss import fleiss_kappa, gwet_ac
from qstats.msa.agreement.homogeneity import MarginalTest, marginal_homogeneity
from qstats.msa.agreement.intraclass import intraclass_correlation
from qstats.msa.agreement.krippendorff import krippendorff_alpha
from qstats.msa.agreement.ranks import kendall_w
from qstats.msa.agreement.result import AgreementStudy
from qstats.msa.agreement.shares import AgreementShare, AgreementVerdict, ErrorRates
from qstats.msa.agreement.study import attribute_agreement

__all__ = [
    "AgreementCoefficient",
    "AgreementShare",
    "AgreementStudy",
    "AgreementVerdict",
    "ErrorRates",
    "MarginalTest",
    "attribute_agreement",
    "cohen_kappa",
    "fleiss_kappa",
    "gwet_ac",
    "intraclass_correlation",
    "kendall_w",
    "krippendorff_alpha",
    "light_kappa",
    "marginal_homogeneity",
]
