"""Invented names. None is a person's."""

from __future__ import annotations

GIVEN_NAMES = (
    "Ada", "Aisha", "Alfie", "Amara", "Arun", "Beth", "Bilal", "Callum", "Chidi", "Cleo", "Daisy", "Dev", "Ebony",
    "Eira", "Elif", "Esme", "Farah", "Finn", "Freya", "Gethin", "Hana", "Harvey", "Ibrahim", "Imani", "Iris",
    "Isaac", "Ivy", "Jago", "Jas", "Jonah", "Kai", "Kezia", "Kofi", "Lara", "Leo", "Lowenna", "Maisie", "Maya",
    "Mila", "Milo", "Mina", "Nadia", "Niamh", "Noor", "Olek", "Oscar", "Otis", "Piotr", "Poppy", "Priya", "Quinn",
    "Rafe", "Reuben", "Robin", "Rosa", "Rowan", "Ruby", "Safa", "Sami", "Saoirse", "Seren", "Sofia", "Tariq", "Tegan",
    "Theo", "Thomas", "Tilly", "Uma", "Vera", "Wanda", "Wren", "Xanthe", "Yara", "Yusuf", "Zara", "Zeki",
)  # fmt: skip
FAMILY_NAMES = (
    "Adeyinka", "Ashdown", "Barrowfield", "Bellweather", "Birkett", "Brackenbury", "Calderwick", "Castleford",
    "Chaudhry", "Coldstream", "Dunmoor", "Ellery", "Fairbourne", "Farrow", "Fenwick", "Galloway", "Greenhalgh",
    "Harrowgate", "Hollinside", "Iqbal", "Jessop", "Kestrel", "Kingsmere", "Kowalska", "Larkin", "Lindqvist",
    "Marsh", "Meadowcroft", "Mistry", "Moorhouse", "Netherby", "Northcote", "Oduya", "Okonjo", "Oldroyd", "Pellow",
    "Penhaligon", "Quillfeather", "Ravenscar", "Redmayne", "Rookwood", "Sandhu", "Silverdale", "Skelton", "Sorley",
    "Standish", "Swinbourne", "Tamworth", "Thackeray", "Thistlewood", "Trevanion", "Underhay", "Varley", "Waddington",
    "Westerdale", "Whitlock", "Winterbourne", "Wren", "Yarwood", "Zielinski",
)  # fmt: skip
STREETS = ("Example Row", "Mill Race", "Kiln Lane", "Station Terrace", "Quarry Bank", "Orchard Close", "Ropewalk")
