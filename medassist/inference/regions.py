"""Which part of the body a header means: BodyPartExamined terms and free descriptions, to a few coarse regions.

Terms follow DICOM PS3.16 Annex L (BodyPartExamined) and what scanners and people write in descriptions.
"""

from __future__ import annotations

import re

_WORDS = {
    "head": "HEAD HEADNECK FACE ORBIT EYE EAR IAC SELLA SINUS JAW MAXILLA MANDIBLE SCALP NEURO 头 颅 脑 海马",
    "neck": "NECK HEADNECK THYROID LARYNX PHARYNX CAROTID 颈",
    "chest": "LUNG LUNGS RIB RIBS HEART CARDIAC CORONARY AORTA CXR CAP 胸 肺 心脏",
    "breast": "BREAST BREASTS 乳腺 乳房",
    "abdomen": "LIVER KIDNEY KIDNEYS SPLEEN PANCREAS GI KUB CAP 腹 肝 肾 胰 脾",
    "pelvis": "HIP HIPS PROSTATE UTERUS BLADDER SACRUM CAP 骨盆 盆腔 前列腺 髋",
    "spine": "SPINE CSPINE TSPINE LSPINE SSPINE 脊柱 颈椎 胸椎 腰椎",
    "arm": "ARM HAND HANDS FINGER THUMB ULNA RADIUS EXTREMITY EXTREMITIES LIMB LIMBS 手 腕 肘 肩 臂 上肢",
    "leg": "LEG LEGS KNEE KNEES FOOT FEET TOE TOES HEEL CALF THIGH FIBULA EXTREMITY EXTREMITIES LIMB LIMBS "
    "膝 足 踝 腿 下肢 胫",
}

# Long enough to be looked for inside a word: CHESTABDPELVIS, HippoCrop, femoral.
_STEMS = {
    "head": "BRAIN SKULL CRANI CEREB HIPPOC TEMPORALLOBE",
    "neck": "CERVICALSOFT",
    "chest": "CHEST THORAX PULMON MEDIASTIN",
    "breast": "MAMMO",
    "abdomen": "ABDOM HEPAT RENAL",
    "pelvis": "PELVI",
    "spine": "SPINE LUMBAR",
    "arm": "FOREARM HUMER SHOULD ELBOW WRIST CLAVIC SCAPUL UPPERLIMB",
    "leg": "TIBIA ANKLE FEMUR FEMOR PATELL CALCAN LOWERLEG LOWERLIMB",
}

_EVERYTHING = ("WHOLEBODY", "TOTALBODY", "全身")
_SPINE_NAMES = re.compile("颈椎|胸椎|腰椎")


def regions_of(text: str) -> frozenset[str]:
    """Return the regions a text names, empty when it names none that is known."""
    upper = text.upper()
    joined = re.sub(r"[\s_^.-]+", "", upper)
    if any(word in joined for word in _EVERYTHING):
        return frozenset(_WORDS)
    found = {"spine"} if _SPINE_NAMES.search(upper) else set()
    upper = _SPINE_NAMES.sub(" ", upper)
    tokens = set(re.findall(r"[A-Z]+", upper))
    for region, words in _WORDS.items():
        if any(word in tokens if word.isascii() else word in upper for word in words.split()):
            found.add(region)
    for region, stems in _STEMS.items():
        if any(stem in joined for stem in stems.split()):
            found.add(region)
    return frozenset(found)
