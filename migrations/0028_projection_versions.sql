-- A projection's version is now a hash of its SQL without comments and layout. The SQL of 0.1.0 is the same, so its
-- tables need no rebuild: their recorded versions are translated.

update projection
set version = translated.version
from (values
    ('application', '58c1350b1d0602ea', 'f8633c1f60da53eb'),
    ('appropriation', 'a7b539a169a58d9f', '3049432ea3315c64'),
    ('award', '4ff587f501142878', '53befffa6744f18c'),
    ('balance', '3eeb30d100f9bc80', '4f8f9fc70d94c0fe'),
    ('citation', 'd8448d71ed746e6e', 'd782272c644df196'),
    ('fund', 'c6f0056297fc6a65', 'c6ae4ee428277e76'),
    ('lot', '495c350e7d7ead51', 'eaa1dbdd325b1524'),
    ('movement', '0bd621bea2580fbe', 'deb5eea964eda5b0'),
    ('objection', 'd74f3d79fc58f2ab', '2a0db30421a9d109'),
    ('payment', 'e3457ad7d9232527', '3e3126f8036f91e6'),
    ('plan', 'a65c56bf172898e0', '11b5785ae75decae'),
    ('project', 'bc34d8de83c60e0b', '341538336a1f8d34'),
    ('reconciliation', '505b809dc0eb4f42', '8798db1c2115fc16'),
    ('recovery', '4ff9289627d418ab', '09305c3102128268'),
    ('round', 'fd0102861451c5ef', '1263b3a45ca23c49'),
    ('waiver', 'b97316aeb922cca4', 'ce9a0e25fdcbb569')
) as translated (name, recorded, version)
where projection.name = translated.name and projection.version = translated.recorded;
