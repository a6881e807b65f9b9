"""the XMP packet of a picture, for programs that do not read our text chunks.

DigitalSourceType is IPTC's mark of pictures made by a trained model. Nothing in it tells of a person.
"""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

KEY = "XML:com.adobe.xmp"  # of the iTXt chunk (XMP specification, part 3)
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
NAMESPACE = "https://imago.invalid/ns/1.0/"  # of the chunks whose keyword begins with imago:
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:imago="{namespace}">
   <Iptc4xmpExt:DigitalSourceType rdf:resource="{source}"/>
{properties}  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xmp_packet(metadata: Mapping[str, str]) -> str:
    """The packet for a picture with these text chunks; Software, Description and imago:… are told in it."""
    properties = []
    for key, value in metadata.items():
        text = escape(_NOT_XML.sub("\ufffd", value))
        if key == "Software":
            properties.append(f"<xmp:CreatorTool>{text}</xmp:CreatorTool>")
        elif key == "Description":
            item = f'<rdf:li xml:lang="x-default">{text}</rdf:li>'
            properties.append(f"<dc:description><rdf:Alt>{item}</rdf:Alt></dc:description>")
        elif re.fullmatch("imago:[a-z]+", key):
            properties.append(f"<{key}>{text}</{key}>")
    return PACKET.format(namespace=NAMESPACE, source=SOURCE, properties="".join(f"   {p}\n" for p in properties))
