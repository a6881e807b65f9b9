"""engine/pictures/xmp.py: well-formed whatever the prompt, and nothing in it but what the chunks say."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from engine.pictures.xmp import SOURCE, xmp_packet

DC, XMP = "{http://purl.org/dc/elements/1.1/}", "{http://ns.adobe.com/xap/1.0/}"
IPTC, IMAGO = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}", "{https://imago.invalid/ns/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def properties(metadata: dict[str, str]) -> dict[str, str]:
    [description] = ElementTree.fromstring(xmp_packet(metadata)).iter(f"{RDF}Description")
    return {child.tag: "".join(child.itertext()) or next(iter(child.attrib.values()), "") for child in description}


def test_every_chunk_of_ours_is_told() -> None:
    told = properties(
        {
            "Software": "Imago 1",
            "Description": "a <star> & more",
            "imago:request": '{"prompt": "x"}',
            "imago:parent": "7",
            "Comment": "not ours",
        }
    )
    assert told == {
        f"{IPTC}DigitalSourceType": SOURCE,
        f"{XMP}CreatorTool": "Imago 1",
        f"{DC}description": "a <star> & more",
        f"{IMAGO}request": '{"prompt": "x"}',
        f"{IMAGO}parent": "7",
    }


def test_a_picture_without_chunks_still_says_that_a_model_made_it() -> None:
    assert properties({}) == {f"{IPTC}DigitalSourceType": SOURCE}


@given(
    st.dictionaries(
        st.text(max_size=12) | st.sampled_from(["Description", "imago:request", "imago:x y"]),
        st.text(max_size=60),
        max_size=4,
    )
)
def test_no_text_breaks_the_packet(metadata: dict[str, str]) -> None:
    """Prompts come from strangers, and a foreign picture's chunks too when it is enlarged."""
    told = properties(metadata)
    assert told[f"{IPTC}DigitalSourceType"] == SOURCE
    assert len(told) == 1 + sum(key in ("Description", "imago:request") for key in metadata)
