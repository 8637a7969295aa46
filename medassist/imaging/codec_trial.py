"""A tiny frame of every compressed transfer syntax, decoded as frames of files are: a codec may be there and fail.

`packaging/make_codec_frames.py` made the frames, of a picture that is nobody's.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from medassist.entities.errors import UnreadableInput
from medassist.entities.volume import AnyArray
from medassist.imaging.decoding import decode

SIDE = 16


@dataclass(frozen=True)
class Sample:
    """One frame of SIDE x SIDE values in base 85, of 8 or 12 bits; lossy ones may be off by `most_error`."""

    syntax: UID
    encoded: str
    bits: int
    most_error: int


def picture(bits: int) -> AnyArray:
    """Return the picture all frames hold: value 9 * row + 7 * column, 16 times that with 12 bits."""
    ramp = np.add.outer(9 * np.arange(SIDE), 7 * np.arange(SIDE))
    return ramp.astype(np.uint8) if bits == 8 else (16 * ramp).astype(np.uint16)


def failure(sample: Sample) -> str:
    """Decode one frame; return why it cannot be read, an English sentence, or "" when its values are right."""
    try:
        found = decode(_dataset(sample), Path("frame"))
    except UnreadableInput as problem:
        return problem.sentence()
    except ImportError as problem:
        return f"its decoder cannot be loaded: {problem}"
    wanted = picture(sample.bits).astype(np.int64)
    if found.shape != (1, SIDE, SIDE) or np.abs(found[0].astype(np.int64) - wanted).max() > sample.most_error:
        return "its decoder returns wrong values"
    return ""


def _dataset(sample: Sample) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = sample.syntax
    ds.Rows = ds.Columns = SIDE
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8 * (1 + (sample.bits > 8)), sample.bits, sample.bits - 1
    ds.PixelData = encapsulate([base64.b85decode(sample.encoded)])
    ds["PixelData"].VR = "OB"
    return ds


SAMPLES = (
    Sample(
        RLELossless,
        (
            "0RR91KmY&$00000000000000000000000000000000000000000000000000000000000000000000004*&-a6&xcfF*rX)O;lTA"
            "X%7hy7ak=nGde*?PgY%IYjO_~86YPvH9SK~QCMGQZFGAN8zLz%H$Fv7Q(9qYZ+3lz4<suxIY38FRa|3gad>}*jSnp}J3>iNS6*do"
            "b9#Y@kCqQMJw!`VSzu>wb$o-0k(i$kKSoVdTViQ&cYcM8lbWHZ4@gf|U1V!=d4PwGm7Jrhu@6yLUuJD|dxD9Om!74pv$_vjVQ6o5"
            "eT0jWnV_exwY<X*V`_1De};{eo1&?(x4y;94{URKfryWmousR>xxmNH)em)igNl)upQf#}yTZxP*WM3)g^ZJ$p{TF6y~NAX+2H37"
            "hmMt;qpGpEzsAkf+v4f)"
        ),
        bits=8,
        most_error=0,
    ),
    Sample(
        JPEGBaseline8Bit,
        (
            "|JeWF01!$>Nk#wx0RR9200961|JwjV00IF40RaI50RaI50s;a81OoyB0s;jD1Oo&H1qKEN1qKEN2MGuU2MGrT1_%oX2?`1d3JL}Y"
            "3k(Yi3<(Mf3je?W3kU!Z01yEI5di<h03QGV0R;g80RaI400000000000RjUA1qKHQ2?`7U!~nGr00IF60|EpC1qB2I0004f0RjU6"
            "1Q7)iAu&M)6H#FYB5@QlfsvsIBSNvk6;jdgBr{@if(Z&17Z@2DB_<~*DJnEIHa9pqIzvQ7Mn_0VN>fx-R##YAT4Q8oW@l(=YIAgT"
            "c6WGrdV_?8hKGoWijtF*m6n&7nVO=bq@|{(sHv*5v$VCgx45~w!o$SH#>dFX%F@%+)z;V8+1laa<K*S$=jiF`@$&QZ_4fDp`TGCb"
            "00;pA002J#{NMeb{{Usb^&jyr^!^I_gZ6*@mj3|Mf5f}f_$$yqXa4}%Z~aI7OT9mWzTo|z{{Usb^&jyr^!^I}*#"
        ),
        bits=8,
        most_error=3,
    ),
    Sample(
        JPEGExtended12Bit,
        (
            "|JeWF01!$>Nk#wx0RR9200961|JwjV009930RaI40RaI40RaI40s#R50RaL50RaL60s;a80s;a90|WyD0|NsB0s{mC0|W#F1Ox&D"
            "1qB2I1q1{H1pmPR3k(1d01yEI5di<h02TlN0RaF200000000000000D3=aRq02~ki00sj90000000000000003k)eZM^<BW|Jncu"
            "0RaF2KLE}D0FVrp{uH-nKUVYT4ge4gmi`pCW<OT*=oA1D43_>Bw`M<9^XLu$5Db?76t`wSR`ci||Je"
        ),
        bits=12,
        most_error=24,
    ),
    Sample(
        JPEGLossless,
        (
            "|JeWF01!$>Nk#wx0RR9200961|HA+a2mlZO5CH)Z0RO}Q761VO0RR910000000000000C72>;pu2mt{A0ssKd_r33X-uJ!ld)+BY"
            "Qk11BN>Y@iDN0h5r722Ml%*+3Qk11BN>Y@iDN0h5r722Ml%*+3Qk11BN>Y@iDN0h5r722Ml%*+3Qk11BN>Y@iDN0h5r722Ml%*+3"
            "Qk11BN>Y@iDN0h5r722Ml%*+3Qk11BN>Y@iDN0h5r722Ml%*+3Qk11BN>Y@iDN0h5r722Ml%*+3Qk11BN>Y@k|Je"
        ),
        bits=8,
        most_error=0,
    ),
    Sample(
        JPEGLosslessSV1,
        (
            "|JeWF01!$>Nk#wx0RR9200961|HA+a2mlZO5CH)Z0RO}Q761VO0RR910000000000000972>;pu2mt{A0RRBc?(XjH?(XjIOS`+f"
            "ySux)((dl=?(XjH^t-#eySux)y)N$V?(XjH?@PP8ySux)yVCCN?(XjH?)1C6ySux)yS*;%?(XjH?(a*xySux)ySviv?(XjH?(X!v"
            "ySux)ySu$E?(XjH?(XkPySux)ySuy6?(XjH?(XjNySux)ySux;|Je"
        ),
        bits=8,
        most_error=0,
    ),
    Sample(
        JPEGLSLossless,
        (
            "|JeWN03cIPNk&Eh0ssI30000G0000G3J3-P0003j0003j|L6b+00001|JeWc01F5J5C9MX0TBTI+5iXv0RR910EHD|tv|bW|8T=G"
            "NbJnpZH8$ilB%hNRaI3=D*t)||9^x3e*^!21OI;q|9&6;cz^$4|9^-7ejopMfB#_r*#"
        ),
        bits=8,
        most_error=0,
    ),
    Sample(
        JPEGLSNearLossless,
        (
            "|JeWN03cIPNk&Eh0ssI30000G0000G3J3-P0003j0003j|L6b+00001|JeWc01F5J5C9MX0TBTI+5iXv0RRF30Jp#YPLd>%B#}sx"
            "NlHk`8dXMo>pEV#K7Z@i{*V71fB!H4bbmja|7XAdfB$p;fB%2~*#"
        ),
        bits=8,
        most_error=2,
    ),
    Sample(
        JPEG2000Lossless,
        (
            "|4;u>04V?f0000G0000G00000000000000G0000G0000000000009R90sm3}3;+NC0RRC61ONg5TmT0^KuAbX|6~9q00BdCWnpw>"
            "WFTUBAWv{*Zc0!^M<8}(a&u{KZXhx)H7+#&kN^q*00000RsaG2liz`$5-VlO`+eqLuIZ;?uJsh5BoNBpZCAb4M^CItA8dhHCax<j"
            ">{m+QDImmmRzfFeH$rvfz<eS=`2zqpp@ly^rZig++yB`"
        ),
        bits=8,
        most_error=0,
    ),
    Sample(
        JPEG2000,
        (
            "|4;u>04V?f0000G0000G00000000000000G0000G0000000000009R90sm3}4gmrH0RRC61ONbti2qyw3qnXFSJPM1S7QHU03`qc"
            "Lvm$dbY)~9VtF7>aAj^vP(?=|c4cyNX>V>IGA=bPH2;tQ3IG5A003eD0soWFxbP8A0~n#zahhnd)f#Dn*gYFez$dDax`Avsy#c@O"
            "+;vR|YHhk_SYlhp7-FD&oWZb`2?fCN__>G@PjSFL5uhId05+k4&xf=<rY&V*8G~{E*#"
        ),
        bits=8,
        most_error=3,
    ),
    Sample(
        HTJ2KLossless,
        (
            "|4;u>04YEK0000G0000G00000000000000G0000G0000000000009R90sl|{2mk^A00092QUDA90ssL31q1{@0smY86Cg-XP*6}%"
            "P*6}%P*6}vNJ#%=02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000X8-~JlfWhI0Ect{0KgK!5`g{yhjaj<0S9ydz!Ja{0Nwxs"
            "bO2E303%cYz!Sg~Anxv<r^0mrrZMKg00Hc_0Kh8X6`&+ZlIOsur>8=A01yBG0RH{*d-uugxB&mz"
        ),
        bits=8,
        most_error=0,
    ),
    Sample(
        HTJ2K,
        (
            "|4;u>04YEK0000G0000G00000000000000G0000G0000000000009R90sl|{2mk^A001NZQUDA90ssL31q1{@0RLP7BO-rve?@;q"
            "e;0RLcU*TpZ>n#qZ^BqLST$I9P#RDgU%&rk02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000n*ag-lfVF&tM~(lbN~Rr0W<&;"
            "09gJ4hjaic_yY%Y0KfvG02Lq!3AVNX!n6PjXe>bE0S2@HzzX;QX#i59NGwVjMWXmJOUj#e02mQ3fER!lzy<IC5P+ubYB&JE7PJ9t"
            "fMkXU&Je*FA~-|zT$TKl{FVMIi+cc8Rf`v1T)en=aq)gmN_6=tyIR$1JOKaM"
        ),
        bits=8,
        most_error=3,
    ),
)
