// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAcceptedIssuers} from "../contracts/interfaces/IAcceptedIssuers.sol";
import {IIssuerRegistry} from "../contracts/interfaces/IIssuerRegistry.sol";
import {AcceptedIssuers} from "../contracts/issuers/AcceptedIssuers.sol";
import {IssuerFixture} from "./support/IssuerFixture.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @title Who becomes an issuer, who ends one, and what each may withdraw
contract IssuerRegistryTest is OracleFixture, IssuerFixture {
    address private constant STRANGER = address(0x57A);
    address private constant WATCHER = address(0x3A7C);
    bytes32 private constant OTHER = keccak256("another schema");

    function setUp() public override {
        super.setUp();
        _foundIssuers(manager);
    }

    function _both() private view returns (bytes32[2] memory) {
        return [bank, employer];
    }

    function _refused(bytes32 issuer, bytes4 why) private {
        IIssuerRegistry.Attestation memory a = _attestation(issuer, borrower, DATA);
        vm.expectPartialRevert(why);
        issuers.check(borrower, DATA, a);
        vm.expectPartialRevert(why);
        issuers.checkStanding(issuer, SCHEMA, DATA);
    }

    function _stands(bytes32 issuer) private view {
        issuers.check(borrower, DATA, _attestation(issuer, borrower, DATA));
        issuers.checkStanding(issuer, SCHEMA, DATA);
    }

    // -------------------------------------------------------------- issuers

    function test_add__when_done__then_everything_is_on_record() public {
        bytes memory key = _point(0xA11);
        bytes32 expected = keccak256(abi.encode(uint8(2), key));
        vm.expectEmit();
        emit IIssuerRegistry.IssuerAdded(expected, 2, key, "An agency");
        bytes32 issuer = issuers.addIssuer(2, key, "An agency");
        equal(issuer, expected, "its id");
        equal(issuers.issuerId(2, key), expected, "and for who asks");
        IIssuerRegistry.Issuer memory record = issuers.issuerOf(issuer);
        equal(record.keyType, 2, "key type");
        equal(keccak256(record.key), keccak256(key), "key");
        equal(keccak256(bytes(record.name)), keccak256("An agency"), "name");
        check(record.active && record.revokedAt == 0, "active");
        equal(record.schemas.length, 0, "vouches for nothing yet");
        equal(keccak256(issuers.issuerOf(bank).key), keccak256(abi.encodePacked(vm.addr(BANK_KEY))), "an address");
        equal(issuers.issuers().length, 3, "listed");
        equal(issuers.issuers()[2], issuer, "in order");
        equal(issuers.issuerOf(bytes32("nobody")).keyType, 0, "nobody");
    }

    function test_add__when_the_key_is_none__then_it_is_refused() public {
        bytes memory point = _point(0xA11);
        bytes4 invalid = IIssuerRegistry.InvalidKey.selector;
        _notAdded(1, "", invalid);
        _notAdded(1, abi.encodePacked(address(0)), invalid);
        _notAdded(1, abi.encodePacked(address(this), uint8(0)), invalid);
        _notAdded(1, point, invalid);
        _notAdded(2, abi.encodePacked(address(this)), invalid);
        _notAdded(2, abi.encodePacked(point, uint8(0)), invalid);
        _notAdded(2, new bytes(64), invalid);
        point[63] ^= 0x01;
        _notAdded(2, point, invalid);
        _notAdded(0, point, IIssuerRegistry.UnknownKeyType.selector);
        _notAdded(3, point, IIssuerRegistry.UnknownKeyType.selector);
        _notAdded(1, abi.encodePacked(vm.addr(BANK_KEY)), IIssuerRegistry.IssuerExists.selector);
        _notAdded(2, _point(EMPLOYER_KEY), IIssuerRegistry.IssuerExists.selector);
        vm.expectRevert(IIssuerRegistry.NamelessIssuer.selector);
        issuers.addIssuer(1, abi.encodePacked(address(this)), "");
    }

    function _notAdded(uint8 keyType, bytes memory key, bytes4 why) private {
        vm.expectPartialRevert(why);
        issuers.addIssuer(keyType, key, "Nobody");
    }

    function test_rotation__when_an_issuer_has_a_new_key__then_it_is_another() public {
        bytes32 next = issuers.addIssuer(SECP256K1, abi.encodePacked(vm.addr(BANK_KEY + 1)), "A bank");
        check(next != bank, "another id");
        IIssuerRegistry.Attestation memory old = _attestation(bank, borrower, DATA);
        old.issuer = next;
        vm.expectPartialRevert(IIssuerRegistry.SchemaNotIssued.selector);
        issuers.check(borrower, DATA, old);
        issuers.setSchema(next, SCHEMA, true);
        vm.expectPartialRevert(IIssuerRegistry.NotSignedByIssuer.selector);
        issuers.check(borrower, DATA, old);
    }

    // -------------------------------------------------------------- schemas

    function test_schemas__when_set_and_unset__then_the_others_stay() public {
        issuers.setSchema(bank, OTHER, true);
        issuers.setSchema(bank, OTHER, true);
        equal(issuers.issuerOf(bank).schemas.length, 2, "each once");
        issuers.setSchema(bank, SCHEMA, false);
        equal(issuers.issuerOf(bank).schemas.length, 1, "one left");
        equal(issuers.issuerOf(bank).schemas[0], OTHER, "the other");
        issuers.checkStanding(bank, OTHER, DATA);
        issuers.setSchema(bank, SCHEMA, false);
        equal(issuers.issuerOf(bank).schemas.length, 1, "taken away twice");
        vm.expectEmit();
        emit IIssuerRegistry.SchemaSet(bank, SCHEMA, true);
        issuers.setSchema(bank, SCHEMA, true);
        _stands(bank);
    }

    function test_schemas__when_they_are_too_many_or_none__then_they_are_refused() public {
        for (uint256 i = 1; i < 16; ++i) issuers.setSchema(bank, bytes32(i), true);
        vm.expectPartialRevert(IIssuerRegistry.TooManySchemas.selector);
        issuers.setSchema(bank, bytes32(uint256(16)), true);
        issuers.setSchema(bank, bytes32(uint256(3)), true);
        vm.expectRevert(IIssuerRegistry.ZeroSchema.selector);
        issuers.setSchema(bank, bytes32(0), true);
        vm.expectPartialRevert(IIssuerRegistry.IssuerUnknown.selector);
        issuers.setSchema(bytes32("nobody"), SCHEMA, true);
    }

    // ------------------------------------------------------- active or not

    function test_active__when_an_issuer_is_stopped__then_nothing_it_said_counts() public {
        issuers.setSchema(bank, OTHER, true);
        vm.expectEmit();
        emit IIssuerRegistry.IssuerActiveSet(bank, false);
        issuers.setActive(bank, false);
        _refused(bank, IIssuerRegistry.IssuerInactive.selector);
        vm.expectPartialRevert(IIssuerRegistry.IssuerInactive.selector);
        issuers.checkStanding(bank, OTHER, DATA);
        _stands(employer);
        bytes32 third = keccak256("set while it is stopped");
        issuers.setSchema(bank, third, true);
        vm.expectPartialRevert(IIssuerRegistry.IssuerInactive.selector);
        issuers.checkStanding(bank, third, DATA);
        issuers.setActive(bank, true);
        _stands(bank);
        issuers.checkStanding(bank, third, DATA);
    }

    function test_suspend__when_whoever_watches_may__then_only_governance_starts_it_again() public {
        bytes4[] memory one = new bytes4[](1);
        one[0] = issuers.suspend.selector;
        manager.setTargetFunctionRole(address(issuers), one, 7);
        manager.grantRole(7, WATCHER, 0);
        vm.prank(WATCHER);
        issuers.suspend(employer);
        _refused(employer, IIssuerRegistry.IssuerInactive.selector);
        vm.prank(WATCHER);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        issuers.setActive(employer, true);
        issuers.setActive(employer, true);
        _stands(employer);
    }

    /// @dev After any sequence of changes: it vouches exactly if it is there, active, and has the schema.
    function testFuzz_standing__when_anything_was_changed__then_it_is_what_was_said_last(
        uint8[24] memory deeds
    ) public {
        bytes32[2] memory schemas = [SCHEMA, OTHER];
        bool[2] memory set = [true, false];
        (bool active, bool gone) = (true, false);
        for (uint256 i = 0; i < deeds.length; ++i) {
            uint256 deed = deeds[i] % 16;
            if (deed == 15) issuers.revokeIssuer(bank);
            if (deed == 15) gone = true;
            if (gone) continue;
            if (deed < 8) {
                (uint256 which, bool on) = (deed % 2, deed < 4);
                issuers.setSchema(bank, schemas[which], on);
                set[which] = on;
            } else if (deed < 15) {
                active = deed < 12;
                issuers.setActive(bank, active);
            }
        }
        for (uint256 i = 0; i < 2; ++i) {
            if (gone) vm.expectPartialRevert(IIssuerRegistry.IssuerIsRevoked.selector);
            else if (!active) vm.expectPartialRevert(IIssuerRegistry.IssuerInactive.selector);
            else if (!set[i]) vm.expectPartialRevert(IIssuerRegistry.SchemaNotIssued.selector);
            issuers.checkStanding(bank, schemas[i], DATA);
        }
    }

    // ----------------------------------------------------------- revocation

    function test_revoke__when_its_own_account_does__then_this_commitment_is_gone_for_good() public {
        vm.prank(vm.addr(BANK_KEY));
        vm.expectEmit();
        emit IIssuerRegistry.CommitmentRevoked(bank, DATA);
        issuers.revoke(bank, DATA);
        uint256 at = _time();
        _refused(bank, IIssuerRegistry.CommitmentIsRevoked.selector);
        bytes32 other = bytes32(uint256(DATA) + 1);
        issuers.check(borrower, other, _attestation(bank, borrower, other));
        // What another issuer says of the same data stands.
        _stands(employer);
        vm.warp(at + 1);
        issuers.revoke(bank, DATA);
        equal(issuers.revokedAt(bank, DATA), at, "since the first time");
    }

    function test_revoke__when_signed_by_the_issuer__then_anybody_may_send_it() public {
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 issuer = _both()[i];
            bytes memory signature = _signed(issuer, issuers.revocationDigest(issuer, DATA));
            vm.prank(STRANGER);
            issuers.revokeBySignature(issuer, DATA, signature);
            _refused(issuer, IIssuerRegistry.CommitmentIsRevoked.selector);
            // It says nothing about another commitment, another issuer, or the issuer itself.
            vm.expectPartialRevert(IIssuerRegistry.NotSignedByIssuer.selector);
            issuers.revokeBySignature(issuer, SCHEMA, signature);
            vm.expectPartialRevert(IIssuerRegistry.NotSignedByIssuer.selector);
            issuers.revokeIssuerBySignature(issuer, signature);
        }
    }

    function test_revoke__when_a_stranger_does__then_it_is_refused() public {
        vm.prank(STRANGER);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        issuers.revoke(bank, DATA);
        vm.prank(STRANGER);
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        issuers.revokeIssuer(bank);
        // An issuer is a stranger to another.
        vm.prank(vm.addr(BANK_KEY));
        vm.expectPartialRevert(IAccessManaged.AccessManagedUnauthorized.selector);
        issuers.revoke(employer, DATA);
        bytes memory signature = _byBank(issuers.revocationDigest(employer, DATA));
        vm.expectPartialRevert(IIssuerRegistry.WrongSignatureLength.selector);
        issuers.revokeBySignature(employer, DATA, signature);
        vm.expectPartialRevert(IIssuerRegistry.IssuerUnknown.selector);
        issuers.revokeBySignature(bytes32("nobody"), DATA, signature);
        vm.expectPartialRevert(IIssuerRegistry.IssuerUnknown.selector);
        issuers.revoke(bytes32("nobody"), DATA);
    }

    function test_revoke_issuer__when_done__then_nothing_brings_it_back() public {
        bytes memory signature = _byEmployer(issuers.issuerRevocationDigest(employer));
        vm.prank(STRANGER);
        issuers.revokeIssuerBySignature(employer, signature);
        vm.prank(vm.addr(BANK_KEY));
        vm.expectEmit();
        emit IIssuerRegistry.IssuerRevoked(bank);
        issuers.revokeIssuer(bank);
        uint256 at = _time();
        vm.warp(at + 1);
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 issuer = _both()[i];
            _refused(issuer, IIssuerRegistry.IssuerIsRevoked.selector);
            issuers.revokeIssuer(issuer);
            equal(issuers.issuerOf(issuer).revokedAt, at, "since the first time");
            vm.expectPartialRevert(IIssuerRegistry.IssuerIsRevoked.selector);
            issuers.setActive(issuer, true);
            vm.expectPartialRevert(IIssuerRegistry.IssuerIsRevoked.selector);
            issuers.suspend(issuer);
            vm.expectPartialRevert(IIssuerRegistry.IssuerIsRevoked.selector);
            issuers.setSchema(issuer, OTHER, true);
            // Its commitments it may still withdraw: others may read them.
            issuers.revoke(issuer, DATA);
        }
    }

    // ---------------------------------------------------------------- roles

    function test_governance__when_a_stranger_calls__then_it_is_refused() public {
        bytes4 no = IAccessManaged.AccessManagedUnauthorized.selector;
        vm.startPrank(STRANGER);
        vm.expectPartialRevert(no);
        issuers.addIssuer(SECP256K1, abi.encodePacked(STRANGER), "Me");
        vm.expectPartialRevert(no);
        issuers.setSchema(bank, OTHER, true);
        vm.expectPartialRevert(no);
        issuers.setActive(bank, false);
        vm.expectPartialRevert(no);
        issuers.suspend(bank);
        vm.expectPartialRevert(no);
        accepted.setAccepted(bank, OTHER, true);
        vm.stopPrank();
        // An issuer does not say what it may vouch for.
        vm.startPrank(vm.addr(BANK_KEY));
        vm.expectPartialRevert(no);
        issuers.setSchema(bank, OTHER, true);
        vm.expectPartialRevert(no);
        issuers.setActive(bank, true);
        vm.stopPrank();
    }

    // ------------------------------------------------------- whom one takes

    function test_accepted__when_a_pair_comes_and_goes__then_its_number_stays() public {
        (bytes32 issuer, bytes32 schema) = accepted.pairOf(2);
        check(issuer == employer && schema == SCHEMA, "the second");
        equal(accepted.check(borrower, DATA, _attestation(employer, borrower, DATA)), 2, "by its number");
        accepted.checkStanding(2, DATA);
        vm.expectEmit();
        emit IAcceptedIssuers.AcceptedSet(employer, SCHEMA, false, 2);
        accepted.setAccepted(employer, SCHEMA, false);
        check(!accepted.accepts(employer, SCHEMA) && accepted.accepts(bank, SCHEMA), "that one alone");
        IIssuerRegistry.Attestation memory a = _attestation(employer, borrower, DATA);
        vm.expectPartialRevert(IAcceptedIssuers.IssuerNotAccepted.selector);
        accepted.check(borrower, DATA, a);
        vm.expectPartialRevert(IAcceptedIssuers.IssuerNotAccepted.selector);
        accepted.checkStanding(2, DATA);
        accepted.setAccepted(employer, SCHEMA, true);
        equal(accepted.check(borrower, DATA, a), 2, "the same");
        equal(accepted.pairCount(), 2, "no more");
        vm.expectPartialRevert(IAcceptedIssuers.IssuerNotAccepted.selector);
        accepted.checkStanding(3, DATA);
    }

    function test_accepted__when_the_registry_refuses__then_so_does_it() public {
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
        vm.expectPartialRevert(IIssuerRegistry.NotSignedByIssuer.selector);
        accepted.check(address(this), DATA, a);
        issuers.revoke(bank, DATA);
        vm.expectPartialRevert(IIssuerRegistry.CommitmentIsRevoked.selector);
        accepted.check(borrower, DATA, a);
        vm.expectPartialRevert(IIssuerRegistry.CommitmentIsRevoked.selector);
        accepted.checkStanding(1, DATA);
        vm.expectPartialRevert(IAcceptedIssuers.NoRegistry.selector);
        Built.acceptedIssuers(address(manager), IIssuerRegistry(address(0xBAD)));
    }
}
